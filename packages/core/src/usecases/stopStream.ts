/** Stops one stream. Its key stays valid, and the encoder may come back, unless the key is blocked on the path for a while. */
import { Effect, Option, Schema } from "effect"
import { BLOCK_MAX_SECONDS } from "../domain/access/StreamKey.ts"
import { keyImage, streamImage } from "../domain/audit/images.ts"
import type { LiveStream } from "../domain/streams/LiveStream.ts"
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

/** A change of the key, with an entry of its own. */
const blockKey = Effect.fnUntraced(function* ({ streamKeyId: id, path }: LiveStream, seconds: number) {
  const keys = yield* StreamKeys
  const blocking = Effect.gen(function* () {
    const before = yield* keys.find(id)
    const isBlocked = Option.isSome(before) && (yield* keys.block(id, path, seconds))
    return { before, after: isBlocked ? yield* keys.find(id) : Option.none() }
  })
  const { before } = yield* audited("stream_key.change", blocking, ({ before, after }) =>
    Option.isNone(before) || Option.isNone(after)
      ? null
      : {
          resourceId: id,
          broadcasterId: after.value.key.broadcasterId,
          before: keyImage(before.value.key),
          after: keyImage(after.value.key)
        }
  )
  return Option.isSome(before)
})

/** Marks the stream in one step with its entry. */
const requestStop = Effect.fnUntraced(function* (id: StreamId, forced: boolean) {
  const sessions = yield* Sessions
  const streams = yield* Streams
  const stopping = Effect.gen(function* () {
    const before = yield* visibleStream(yield* streams.find(id))
    if (Option.isSome(before)) yield* sessions.requestStop(id, "stopped", null)
    return before
  })
  yield* audited(
    "stream.stop",
    stopping,
    Option.match({
      onNone: () => null,
      onSome: ({ stream, broadcaster }) => ({
        resourceId: id,
        broadcasterId: broadcaster.id,
        before: streamImage(stream),
        after: { forced }
      })
    })
  )
})

/** The block first, so that an encoder that is off the air at once finds it. The key of a stream that has ended is blocked all the same. */
const blockAndStop = Effect.fnUntraced(function* (stream: LiveStream, forced: boolean, blockSeconds?: number) {
  if (blockSeconds !== undefined && !(yield* blockKey(stream, blockSeconds))) {
    const faults = [{ path: ["blockSeconds"], expected: NOT_OF_A_WORKER }]
    return yield* new InvalidArgument({ operation: forced ? "forceStop" : "stopStream", faults })
  }
  yield* requestStop(stream.id, forced)
}, Effect.uninterruptible)

/** `None` when there is no such stream; otherwise the stream as it is now, and whether it has left the media server. */
export const stopStream = Effect.fn("stopStream")(function* (streamId: StreamId, options: StopOptions = {}) {
  const { id, blockSeconds } = yield* checkStop({ ...options, id: streamId })
  const streams = yield* Streams
  const found = yield* visibleStream(yield* streams.find(id))
  if (Option.isNone(found)) return Option.none()
  yield* blockAndStop(found.value.stream, false, blockSeconds)
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
  if (isOpen || blockSeconds !== undefined) yield* blockAndStop(found.value.stream, true, blockSeconds)
  if (!isOpen) return Option.some("Ended" as const)
  yield* sessions.end([id], "left", null)
  yield* Effect.logWarning("a stream was ended without the media server's confirmation, as an operator requested").pipe(
    Effect.annotateLogs({ stream_id: id })
  )
  return Option.some("Ended" as const)
})
