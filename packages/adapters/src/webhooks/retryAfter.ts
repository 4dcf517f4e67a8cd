/** What a `Retry-After` header asks for (RFC 9110, section 10.2.3): seconds, or a date. */

/** A receiver may ask for any time, and the schedule has its own bound; this one keeps the number sane. */
const MOST_MS = 7 * 24 * 3_600_000

const bounded = (millis: number): number => Math.min(Math.max(0, millis), MOST_MS)

/** In milliseconds from `now`; `null` for what is neither. */
export const retryAfterMillis = (header: string | ReadonlyArray<string> | undefined, now: number): number | null => {
  const text = typeof header === "string" ? header.trim() : header?.[0]?.trim()
  if (text === undefined || text === "") return null
  if (/^\d+$/.test(text)) return bounded(Number(text) * 1000)
  // An HTTP date ends in GMT. `Date.parse` would take much else.
  const date = /GMT$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? null : bounded(date - now)
}
