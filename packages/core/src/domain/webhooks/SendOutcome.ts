/** What became of one request to a receiver. */

export type NoAnswerReason = "refused" | "timeout" | "reset" | "tls" | "name" | "blocked" | "other"

export type SendOutcome =
  | {
      readonly _tag: "Answered"
      readonly status: number
      /** What `Retry-After` asks for; `null` without one that can be read. */
      readonly retryAfterMillis: number | null
      /** The first 1 KiB. */
      readonly body: string
      readonly durationMillis: number
    }
  | {
      readonly _tag: "NoAnswer"
      /** `refused`: the connection. `name`: it has no address. `blocked`: the guard, before anything was sent. */
      readonly why: NoAnswerReason
      readonly detail: string
      readonly durationMillis: number
    }

/** What an outcome means for the event and for the endpoint. */
export type Verdict =
  | { readonly _tag: "Delivered" }
  /** The receiver wants no more events: 410. */
  | { readonly _tag: "Gone" }
  | {
      readonly _tag: "Failed"
      /** The fault is the endpoint's: no event is sent until one attempt has succeeded. Otherwise only the event's subject waits. */
      readonly stops: boolean
      /** The receiver may have failed because of this event, so the attempt counts as one of the event's. */
      readonly counts: boolean
      readonly retryAfterMillis: number | null
    }

const failed = (stops: boolean, counts: boolean, retryAfterMillis: number | null = null): Verdict => ({
  _tag: "Failed",
  stops,
  counts,
  retryAfterMillis
})

const judgeNoAnswer = (why: NoAnswerReason): Verdict => {
  switch (why) {
    case "refused":
    case "name":
    case "tls":
    case "blocked":
      return failed(true, false)
    case "timeout":
      return failed(true, true)
    case "reset":
    case "other":
      return failed(false, true)
  }
}

/** Redirects are failures: no redirect is followed (Standard Webhooks, "Webhook delivery"). */
export const judge = (outcome: SendOutcome): Verdict => {
  if (outcome._tag === "NoAnswer") return judgeNoAnswer(outcome.why)
  const { status, retryAfterMillis } = outcome
  if (status >= 200 && status < 300) return { _tag: "Delivered" }
  if (status === 410) return { _tag: "Gone" }
  return status === 429 ? failed(true, false, retryAfterMillis) : failed(false, true, retryAfterMillis)
}
