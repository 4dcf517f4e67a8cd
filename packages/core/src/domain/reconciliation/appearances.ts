/**
 * Whether publishers that were admitted appear on the media server that Greenroom looks at. MediaMTX lists a connection before it asks about
 * it, so an admitted publisher that no look ever shows has left at once, or has connected to another media server, which asks this
 * Greenroom as well: a replica, a staging machine, or the right one, when the configured control API is the wrong one.
 */

/** Of those who were admitted last, newest last: whether each appeared. */
export type Appearances = ReadonlyArray<boolean>

const REMEMBERED = 8
/** An encoder that gives up at once never appears either; so many in a row of eight are taken for more than that. */
const ABSENT_AT_LEAST = 3

export const rememberAppearances = (before: Appearances, appeared: number, absent: number): Appearances =>
  [...before, ...Array<boolean>(absent).fill(false), ...Array<boolean>(appeared).fill(true)].slice(-REMEMBERED)

/** What an instance begins with that takes over from one to which they did not appear: as many have to appear anew. */
export const notAppearing: Appearances = Array<boolean>(ABSENT_AT_LEAST).fill(false)

export const doNotAppear = (appearances: Appearances): boolean =>
  appearances.filter((appeared) => !appeared).length >= ABSENT_AT_LEAST
