/** Stops one stream. Its key stays valid, and the encoder may come back, unless the key is blocked on the path for a while. */
import { Effect, Option, Schema } from "effect"
import { BLOCK_MAX_SECONDS } from "../domain/access/StreamKey.ts"
import { streamImage } from "../domain/audit/images.ts"
import type { StreamDetails } from "../domain/streams/StreamDetails.ts"
import { StreamId } from "../domain/values/Ids.ts"
import { Sessions } from "../ports/Sessions.ts"
import { StreamKeys } from "../ports/StreamKeys.ts"
import { Streams } from "../ports/Streams.ts"
import { isUnobservable } from "../reconciler/canObserve.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { audited } from "./audited.ts"
import { awaitOffAir } from "./awaitOffAir.ts"
import { checkArguments, InvalidArgument } from "./InvalidArgument.ts"
import { describeStream, visibleStream } from "./manageStreams.ts"

/** For how long a stopped stream's key may not publish on its path. */
export const BlockSeconds = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: BLOCK_MAX_SECONDS }))

const stopFields = { id: StreamId, blockSeconds: Schema.optionalKey(BlockSeconds) }
const checkStop = checkArguments("stopStream", stopFields)
const checkForceStop = checkArguments("forceStop", stopFields)

export interface StopOptions {
  readonly blockSeconds?: number
}

/** A worker's key admits one connection, and the next worker has another. */
const NOT_OF_A_WORKER = "Expected no block: the stream is a worker's. Stop the stream that it works on"

/** The block would hit the stream that is there now, at its next connection. */
const isElsewhere = (now: StreamId): string =>
  `Expected no block: this stream has ended, and its key publishes as stream ${now}. Stop that one`

interface Stop {
  /** Ends the session as well: the media server cannot be asked whether its publisher has left. */
  readonly forced: boolean
  readonly blockSeconds: number | undefined
}

/** The block first, so that an encoder that is off the air at once finds it. The key of a stream that has ended is blocked all the same. */
const blockAndStop = Effect.fnUntraced(function* ({ stream, broadcaster }: StreamDetails, stop: Stop) {
  const { forced, blockSeconds } = stop
  const keys = yield* StreamKeys
  const sessions = yield* Sessions
  const stopping = Effect.gen(function* () {
    if (blockSeconds !== undefined) {
      const key = yield* keys.find(stream.streamKeyId)
      if (Option.isNone(key)) return { block: NOT_OF_A_WORKER } as const
      const { activeStreamId } = key.value.key
      if (activeStreamId !== null && activeStreamId !== stream.id)
        return { block: isElsewhere(activeStreamId) } as const
      yield* keys.block(stream.streamKeyId, stream.path, blockSeconds)
    }
    yield* sessions.requestStop(stream.id, "stopped", null)
    if (forced) yield* sessions.end([stream.id], "left", null)
    return "Stopped" as const
  })
  const outcome = yield* audited("stream.stop", stopping, (outcome) =>
    outcome !== "Stopped"
      ? null
      : {
          resourceId: stream.id,
          broadcasterId: broadcaster.id,
          before: streamImage(stream),
          after: { forced, block_seconds: blockSeconds ?? null }
        }
  )
  if (outcome === "Stopped") return
  const faults = [{ path: ["blockSeconds"], expected: outcome.block }]
  return yield* new InvalidArgument({ operation: forced ? "forceStop" : "stopStream", faults })
})

/** `None` when there is no such stream; otherwise the stream as it is now, and whether it has left the media server. */
export const stopStream = Effect.fn("stopStream")(function* (streamId: StreamId, options: StopOptions = {}) {
  const { id, blockSeconds } = yield* checkStop({ ...options, id: streamId })
  const streams = yield* Streams
  const found = yield* visibleStream(yield* streams.find(id))
  if (Option.isNone(found)) return Option.none()
  yield* blockAndStop(found.value, { forced: false, blockSeconds })
  const offAir = yield* awaitOffAir([id])
  return Option.map(yield* describeStream(id), (view) => ({ ...view, offAir }))
})

/**
 * Ends a stream in the store without the media server's confirmation, so that its key is free again; only while no instance can observe the
 * media server. If its publisher is still there when the media server can be observed again, it is kicked as formerly admitted. `None` when there is
 * no such stream; `CanBeAsked` when the media server can be asked, and an ordinary stop is enough. A stream that has ended already is `Ended`.
 */
export const forceStop = Effect.fn("forceStop")(function* (streamId: StreamId, options: StopOptions = {}) {
  const { id, blockSeconds } = yield* checkForceStop({ ...options, id: streamId })
  const sessions = yield* Sessions
  const streams = yield* Streams
  const reconciler = yield* Reconciler
  const found = yield* visibleStream(yield* streams.find(id))
  if (Option.isNone(found)) return Option.none()
  const isOpen = (yield* sessions.stillOpen([id])).length > 0
  const snapshot = yield* reconciler.lastSnapshot
  if (isOpen && !(yield* isUnobservable(snapshot?.leastAgeMillis ?? null))) return Option.some("CanBeAsked" as const)
  if (isOpen || blockSeconds !== undefined) yield* blockAndStop(found.value, { forced: true, blockSeconds })
  if (!isOpen) return Option.some("Ended" as const)
  yield* Effect.logWarning("a stream was ended without the media server's confirmation, as an operator requested").pipe(
    Effect.annotateLogs({ stream_id: id })
  )
  return Option.some("Ended" as const)
})
