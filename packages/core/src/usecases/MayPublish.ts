/**
 * The host's own rule: who embeds Greenroom may refuse a publisher whose key is good. It is asked after the key was checked and before anything is
 * written. A rule that fails, or does not answer within `MAY_PUBLISH_WITHIN_MS`, refuses: while it is awaited, MediaMTX admits no other client.
 */
import { Cause, Context, Effect, Layer, Option } from "effect"
import { type Refusal, refuse, withFacts } from "../domain/access/AuthDecision.ts"
import { type AdmissionFacts, decideCheck, type KeyFacts } from "../domain/access/decideAdmission.ts"
import type { StreamKey } from "../domain/access/StreamKey.ts"
import type { Protocol } from "../domain/streams/Protocol.ts"
import type { Broadcaster } from "../domain/values/Broadcaster.ts"
import { type AdmissionRequest, Admissions } from "../ports/Admissions.ts"
import { Broadcasters } from "../ports/Broadcasters.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { StreamKeys } from "../ports/StreamKeys.ts"

export const MAY_PUBLISH_WITHIN_MS = 300

/** What a rule is asked. */
export interface PublishAsk {
  readonly broadcaster: Broadcaster
  readonly key: StreamKey
  readonly path: string
  /** `null`: the media server did not name it. */
  readonly protocol: Protocol | null
}

/** `refuse`: one sentence for MediaMTX's log. */
export type PublishAnswer = true | { readonly refuse: string }

export type PublishRule = (ask: PublishAsk) => Effect.Effect<PublishAnswer, unknown>

type Ask = Pick<PublishAsk, "path" | "protocol"> & { readonly key: KeyFacts }

/** `null`: every good key may publish. `layerMayPublish` sets it. */
export const MayPublish = Context.Reference<((ask: Ask) => Effect.Effect<PublishAnswer, unknown>) | null>(
  "greenroom/MayPublish",
  { defaultValue: () => null }
)

/** The rule, for `authenticate`. It gets the broadcaster and the key as the store has them. */
export const layerMayPublish = (rule: PublishRule): Layer.Layer<never, never, Repositories> =>
  Layer.effect(
    MayPublish,
    Effect.gen(function* () {
      const broadcasters = yield* Broadcasters
      const keys = yield* StreamKeys
      return ({ key, path, protocol }: Ask) =>
        Effect.gen(function* () {
          const [broadcaster, found] = yield* Effect.all([broadcasters.find(key.broadcasterId), keys.find(key.id)], {
            concurrency: "unbounded"
          })
          // The admission itself refuses what has been deleted in the meantime.
          if (Option.isNone(broadcaster) || Option.isNone(found)) return true as const
          return yield* rule({ broadcaster: broadcaster.value, key: found.value.key, path, protocol })
        })
    })
  )

const refuseByHost = (detail: string, { id, prefix }: KeyFacts): Refusal =>
  refuse("refused_by_host", detail, { id, prefix })

/** The sentence of a host's own answer: MediaMTX writes it into one line of its log. */
const sentenceOf = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ").slice(0, 500)

const UNUSABLE = "The host's rule answered neither true nor { refuse: sentence }"

/** `true` alone lets the publisher in. `answer` may come from a host without types. */
const sentenceIn = (answer: unknown): string => {
  const isRefusal = typeof answer === "object" && answer !== null && "refuse" in answer
  return isRefusal && typeof answer.refuse === "string" ? sentenceOf(answer.refuse) : UNUSABLE
}

const answerOf = (ask: Ask, rule: (ask: Ask) => Effect.Effect<PublishAnswer, unknown>) =>
  Effect.suspend(() => rule(ask)).pipe(
    Effect.map((answer) => (answer === true ? null : refuseByHost(sentenceIn(answer), ask.key))),
    Effect.timeoutOrElse({
      duration: MAY_PUBLISH_WITHIN_MS,
      orElse: () =>
        Effect.succeed(refuseByHost(`The host's rule gave no answer within ${MAY_PUBLISH_WITHIN_MS} ms`, ask.key))
    }),
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      // Broadcaster and key could not be read: the rule is not at fault, and the answer is a 503.
      const error = Cause.squash(cause)
      if (error instanceof StoreUnavailable) return Effect.fail(error)
      return Effect.as(
        Effect.logError("the host's rule for publishers failed", cause),
        refuseByHost("The host's rule failed", ask.key)
      )
    })
  )

/** The refusal of the host's rule; `null` when there is no rule, or it lets the publisher in. A worker's own key is not asked about. */
export const refusedByHost = Effect.fnUntraced(function* (request: AdmissionRequest) {
  if ((yield* MayPublish) === null) return null
  const admissions = yield* Admissions
  return yield* hostRefusal(request, yield* admissions.facts(request))
})

/** The same on facts that were read. */
export const hostRefusal = Effect.fnUntraced(function* (
  request: Pick<AdmissionRequest, "path" | "protocol" | "reserved">,
  facts: AdmissionFacts
) {
  const rule = yield* MayPublish
  if (rule === null) return null
  const checked = decideCheck(request, facts)
  if (checked._tag === "Refuse") return checked
  const { key } = facts
  if (key === null || key.ticket !== undefined) return null
  const refusal = yield* answerOf({ key, path: request.path, protocol: request.protocol }, rule)
  return refusal === null ? null : withFacts(refusal, facts)
})
