/**
 * Gives a broadcaster a new stream key, and says what to type into an encoder. The value leaves this function once, `Redacted`. Without
 * a `path` the key is limited to its own ingest path, so that it cannot publish where another key's encoder is expected.
 */
import { Effect, Redacted } from "effect"
import { KEY_PREFIX_LENGTH } from "../domain/access/StreamKey.ts"
import { ingestPath, type NewPathLimit, type PathLimitText, parseLimit } from "../domain/access/StreamPath.ts"
import type { BroadcasterId, StreamKeyId } from "../domain/values/Ids.ts"
import type { Timestamp } from "../domain/values/Timestamp.ts"
import { isForOutputsOnly } from "../domain/workers/PipelinePath.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { StreamKeys } from "../ports/StreamKeys.ts"
import { WorkersOn } from "../workers/WorkerSettings.ts"

export interface NewKeyRequest {
  readonly broadcasterId: BroadcasterId
  readonly label: string | null
  /** `null`: no limit. Absent: the key's own ingest path, `live/` and 8 characters of its id. */
  readonly path?: NewPathLimit | null
  readonly expiresAt: Timestamp | null
}

/** How many ids are tried: one in four billion has an ingest path that is another key's. */
const IDS_TRIED = 5

export const issueKey = Effect.fn("issueKey")(function* ({ path, ...order }: NewKeyRequest) {
  const limit = path === undefined || path === null ? null : parseLimit(path)
  if ((yield* WorkersOn) && isForOutputsOnly(limit)) return { _tag: "PathReserved" } as const
  const mint = yield* KeyGenerator
  const keys = yield* StreamKeys
  const value = yield* mint.generate
  for (let tried = 1; ; tried++) {
    const id = (yield* mint.uuid) as StreamKeyId
    const own = ingestPath(limit, id)
    const outcome = yield* keys.issue({
      ...order,
      path: path === undefined ? (own as PathLimitText) : path,
      id,
      hash: mint.hash(value),
      keyPrefix: Redacted.value(value).slice(0, KEY_PREFIX_LENGTH)
    })
    if (outcome._tag === "Issued") return { ...outcome, value, ingestPath: own } as const
    // A path that the caller did not choose is not the caller's conflict.
    if (outcome._tag !== "PathTaken" || limit?._tag === "Exact") return outcome
    if (tried === IDS_TRIED) return yield* Effect.die(new Error(`The ingest paths of ${tried} new ids were taken`))
  }
})
