/**
 * A text that a caller may leave out, or send as `null` or empty with the same meaning: the source of a hook is then the media server's
 * own.
 */
export const given = (text: string | null | undefined): string | undefined =>
  text === null || text === "" ? undefined : text
