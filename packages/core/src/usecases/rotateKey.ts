/**
 * Rotates a stream key: a new value for the same grant, without an interruption where the old key may publish for a while. The value leaves once,
 * as that of a new key does.
 */
import { Effect, Option, Redacted, Schema } from "effect"
import { OVERLAP_MAX_SECONDS, successorId } from "../domain/access/rotation.ts"
import { KEY_PREFIX_LENGTH } from "../domain/access/StreamKey.ts"
import { ingestPath, parseLimit } from "../domain/access/StreamPath.ts"
import { keyImage } from "../domain/audit/images.ts"
import { StreamKeyId } from "../domain/values/Ids.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { Sessions } from "../ports/Sessions.ts"
import { type KeyAt, type NewSuccessor, type RotateOutcome, StreamKeys } from "../ports/StreamKeys.ts"
import { Streams } from "../ports/Streams.ts"
import { audited } from "./audited.ts"
import { awaitOffAir } from "./awaitOffAir.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { visibleToCaller } from "./visibleToCaller.ts"

/** How long the old key keeps publishing. */
export const OverlapSeconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: OVERLAP_MAX_SECONDS })).annotate(
  {
    description: "How many seconds the old key keeps publishing; 0: it is revoked at once",
    examples: [3_600]
  }
)

const check = checkArguments("rotateKey", { id: StreamKeyId, overlapSeconds: OverlapSeconds })

/**
 * The new key with its value, and the old one; or why the key cannot be rotated. Without an overlap the old key's stream is taken off the air,
 * which this waits for, so that the new key finds its path free.
 */
export const rotateKey = Effect.fn("rotateKey")(function* (keyId: StreamKeyId, given: number) {
  const { id, overlapSeconds } = yield* check({ id: keyId, overlapSeconds: given })
  const generator = yield* KeyGenerator
  const value = yield* generator.generate
  const outcome = yield* Effect.uninterruptible(
    rotateAndStop(id, {
      id: successorId(id, yield* generator.uuid),
      hash: generator.hash(value),
      keyPrefix: Redacted.value(value).slice(0, KEY_PREFIX_LENGTH),
      overlapSeconds
    })
  )
  if (outcome._tag !== "Rotated") return outcome
  const streams = yield* Streams
  if (overlapSeconds === 0) yield* awaitOffAir(yield* streams.unendedOf({ streamKeyId: id }))
  const { path } = outcome.key
  return { ...outcome, value, ingestPath: ingestPath(path === null ? null : parseLimit(path), outcome.key.id) } as const
})

const visible = visibleToCaller<KeyAt>(({ key }) => key.broadcasterId)

/** The old key's stream is marked for its end before this answers, as that of a revoked key is. */
const rotateAndStop = Effect.fnUntraced(function* (id: StreamKeyId, successor: NewSuccessor) {
  const keys = yield* StreamKeys
  const sessions = yield* Sessions
  const rotating = Effect.gen(function* () {
    const before = Option.getOrNull(yield* visible(yield* keys.find(id)))
    const outcome: RotateOutcome = before === null ? { _tag: "NotFound" } : yield* keys.rotate(id, successor)
    return { before, outcome }
  })
  const { outcome } = yield* audited("stream_key.rotate", rotating, ({ before, outcome }) =>
    outcome._tag === "Rotated" && before !== null
      ? {
          resourceId: id,
          broadcasterId: outcome.key.broadcasterId,
          before: keyImage(before.key),
          after: keyImage(outcome.key)
        }
      : null
  )
  if (outcome._tag === "Rotated" && successor.overlapSeconds === 0) yield* sessions.requestStopsForInvalidKeys
  return outcome
})
