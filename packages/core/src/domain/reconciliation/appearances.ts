/**
 * Whether publishers that were admitted appear on the media server that Greenroom observes. MediaMTX lists a connection before it asks about
 * it, so an admitted publisher that no snapshot ever shows has left at once, or has connected to another media server, which asks this
 * Greenroom as well: a replica, a staging machine, or the right one, when the configured control API is the wrong one.
 */
import { DateTime } from "effect"

export interface Appearances {
  /** Of the publishers that were admitted last, newest last: whether each appeared. */
  readonly last: ReadonlyArray<boolean>
  /** When the newest of the absences was found, by the database's clock; `null` when there is none. */
  readonly absentAt: DateTime.Utc | null
}

const REMEMBERED = 8
/** An encoder that gives up at once never appears either; so many in a row of eight are taken for more than that. */
const ABSENT_AT_LEAST = 3

/**
 * Absences count until none was added for this long. Three clients of one encoder may leave at once by chance; a second media server
 * that is in use goes on to ask.
 */
export const ABSENCES_COUNT_FOR_MS = 10 * 60_000

export const noAppearances: Appearances = { last: [], absentAt: null }

/** Without the absences that count no more. An absence that a clock set back has put into the future counts from `now`. */
export const forgetOldAbsences = ({ last, absentAt }: Appearances, now: DateTime.Utc): Appearances => {
  if (absentAt === null) return { last, absentAt }
  const age = now.epochMilliseconds - absentAt.epochMilliseconds
  return age < ABSENCES_COUNT_FOR_MS
    ? { last, absentAt: DateTime.min(absentAt, now) }
    : { last: last.filter((appeared) => appeared), absentAt: null }
}

/** `appeared` and `absent`: how many publishers were seen for the first time, and how many were found to have never appeared, at `now`. */
export const rememberAppearances = (
  before: Appearances,
  { appeared = 0, absent = 0 }: { readonly appeared?: number; readonly absent?: number },
  now: DateTime.Utc
): Appearances => {
  const { last, absentAt } = forgetOldAbsences(before, now)
  const all = [...last, ...Array<boolean>(absent).fill(false), ...Array<boolean>(appeared).fill(true)]
  return { last: all.slice(-REMEMBERED), absentAt: absent > 0 ? now : absentAt }
}

/** The state of a new leader that takes over from one to which publishers did not appear: as many have to appear anew. */
export const notAppearing = (absentAt: DateTime.Utc): Appearances => ({
  last: Array<boolean>(ABSENT_AT_LEAST).fill(false),
  absentAt
})

export const doNotAppear = ({ last }: Appearances): boolean =>
  last.filter((appeared) => !appeared).length >= ABSENT_AT_LEAST
