/** When a failed attempt is made again (Standard Webhooks, "Retries"): for an event, and for an endpoint that is stopped. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** After the first, second, … attempt. An event has one attempt more than there are delays. */
export const RETRY_DELAYS_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR
] as const

export const ATTEMPTS_MAX = RETRY_DELAYS_MS.length + 1
/** A `Retry-After` beyond this counts as this. */
export const RETRY_AFTER_MAX_MS = 24 * HOUR
/** Of a delay, in both directions. */
export const JITTER = 0.1
/** An endpoint without a success for so long is disabled at its next failure. */
export const FAILING_AT_MOST_MS = 5 * 24 * HOUR

/** `jitter`: at random, at least 0 and less than 1. `Retry-After` makes a delay longer, never shorter. */
const delayed = (millis: number, jitter: number, retryAfterMillis: number | null): number =>
  Math.max(
    Math.round(millis * (1 - JITTER + 2 * JITTER * jitter)),
    Math.min(Math.max(retryAfterMillis ?? 0, 0), RETRY_AFTER_MAX_MS)
  )

/** Until the next attempt on an event after `attempt` failed ones; `null`: there is none. */
export const eventRetryMillis = (attempt: number, jitter: number, retryAfterMillis: number | null): number | null => {
  const millis = RETRY_DELAYS_MS[attempt - 1]
  return millis === undefined ? null : delayed(millis, jitter, retryAfterMillis)
}

/** Until the next attempt on a stopped endpoint after `attempt` failed ones: the last delay repeats until the endpoint is disabled. */
export const stopRetryMillis = (attempt: number, jitter: number, retryAfterMillis: number | null): number =>
  delayed(RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length) - 1]!, jitter, retryAfterMillis)
