/** Gives a broadcaster a new stream key, and says what to type into an encoder. The value leaves this function once, `Redacted`. */
import { Effect, Redacted } from "effect"
import type { BroadcasterId, StreamKeyId } from "../domain/Ids.ts"
import { isForOutputsOnly } from "../domain/PipelinePath.ts"
import { KEY_PREFIX_LENGTH } from "../domain/StreamKey.ts"
import { ingestPath, type NewPathLimit, parseLimit } from "../domain/StreamPath.ts"
import type { Timestamp } from "../domain/Timestamp.ts"
import { KeyMint } from "../ports/KeyMint.ts"
import { StreamKeys } from "../ports/StreamKeys.ts"
import { WorkersOn } from "./WorkerSettings.ts"

export interface KeyOrder {
  readonly broadcasterId: BroadcasterId
  readonly label: string | null
  readonly path: NewPathLimit | null
  readonly expiresAt: Timestamp | null
}

export const issueKey = Effect.fn("issueKey")(function* (order: KeyOrder) {
  const limit = order.path === null ? null : parseLimit(order.path)
  if ((yield* WorkersOn) && isForOutputsOnly(limit)) return { _tag: "PathReserved" } as const
  const mint = yield* KeyMint
  const keys = yield* StreamKeys
  const value = yield* mint.mint
  const id = (yield* mint.uuid) as StreamKeyId
  const outcome = yield* keys.issue({
    ...order,
    id,
    hash: mint.hash(value),
    keyPrefix: Redacted.value(value).slice(0, KEY_PREFIX_LENGTH)
  })
  if (outcome._tag !== "Issued") return outcome
  const path = ingestPath(limit, id)
  return { ...outcome, value, ingestPath: path } as const
})
