/** A text that a caller may leave out, or send as `null` or empty to the same effect: a hook's source of the media server's own. */
export const given = (text: string | null | undefined): string | undefined =>
  text === null || text === "" ? undefined : text
