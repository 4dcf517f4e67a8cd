/** Stops one stream. Its key stays valid, and the encoder may come back, unless the key is blocked on the path for a while. */
import { Effect, Option, Schema } from "effect"
import { BLOCK_MAX_SECONDS } from "../domain/access/StreamKey.ts"
import type { LiveStream } from "../domain/streams/LiveStream.ts"
import { StreamId } from "../domain/values/Ids.ts"
import { Sessions } from "../ports/Sessions.ts"
import { StreamKeys } from "../ports/StreamKeys.ts"
import { Streams } from "../ports/Streams.ts"
import { isUnobservable } from "../reconciler/canObserve.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { awaitOffAir } from "./awaitOffAir.ts"
import { checkArguments, InvalidArgument } from "./InvalidArgument.ts"
import { describeStream } from "./manageStreams.ts"

/** For how long a stopped stream's key may not publish on its path. */
export const BlockSeconds = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: BLOCK_MAX_SECONDS }))

const stopFields = { id: StreamId, blockSeconds: Schema.optionalKey(BlockSeconds) }
const checkStop = checkArguments("stopStream", stopFields)
const checkForceStop = checkArguments("forceStop", stopFields)

export interface StopOptions {
  readonly blockSeconds?: number
}

/** A worker's key admits one connection, and the next worker has another. */
const ofWorker = (operation: string) =>
  new InvalidArgument({
    operation,
    faults: [
      {
        path: ["blockSeconds"],
        expected: "Expected no block: the stream is a worker's. Stop the stream that it works on"
      }
    ]
  })

/** The block first, so that an encoder that is off the air at once finds it. The key of a stream that has ended is blocked all the same. */
const blockAndStop = Effect.fnUntraced(function* (operation: string, stream: LiveStream, blockSeconds?: number) {
  if (blockSeconds !== undefined) {
    const keys = yield* StreamKeys
    if (Option.isNone(yield* keys.find(stream.streamKeyId))) return yield* ofWorker(operation)
    yield* keys.block(stream.streamKeyId, stream.path, blockSeconds)
  }
  const sessions = yield* Sessions
  yield* sessions.requestStop(stream.id, "stopped", null)
}, Effect.uninterruptible)

/** `None` when there is no such stream; otherwise the stream as it is now, and whether it has left the media server. */
export const stopStream = Effect.fn("stopStream")(function* (streamId: StreamId, options: StopOptions = {}) {
  const { id, blockSeconds } = yield* checkStop({ ...options, id: streamId })
  const streams = yield* Streams
  const found = yield* streams.find(id)
  if (Option.isNone(found)) return Option.none()
  yield* blockAndStop("stopStream", found.value.stream, blockSeconds)
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
  const found = yield* streams.find(id)
  if (Option.isNone(found)) return Option.none()
  const isOpen = (yield* sessions.stillOpen([id])).length > 0
  const snapshot = yield* reconciler.lastSnapshot
  if (isOpen && !(yield* isUnobservable(snapshot?.leastAgeMillis ?? null))) return Option.some("CanBeAsked" as const)
  yield* blockAndStop("forceStop", found.value.stream, blockSeconds)
  if (!isOpen) return Option.some("Ended" as const)
  yield* sessions.end([id], "left", null)
  yield* Effect.logWarning("a stream was ended without the media server's confirmation, as an operator requested").pipe(
    Effect.annotateLogs({ stream_id: id })
  )
  return Option.some("Ended" as const)
})
