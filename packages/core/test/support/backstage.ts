/** The use case of an auth call on a stage, with a reconciler that only notes what it is told. */
import {
  authenticate,
  type DecisionId,
  DecisionLog,
  DuplicatePolicy,
  EventFeed,
  LostAdmissions,
  type PublishRequest,
  Reconciler,
  StoreMonitor
} from "@greenroom/core"
import { Effect, Layer, Redacted, Stream } from "effect"
import { PlaybackAccess } from "../../src/playback/PlaybackAccess.ts"
import { ViewerNotes } from "../../src/playback/ViewerNotes.ts"
import { keyValue, makeStage } from "./stage.ts"

const head = { log: "0000000000000000", oldest: 1, newest: 0 }
/** A log in which nothing happens. */
const noEvents = Layer.succeed(EventFeed)({
  head: Effect.succeed(head),
  attach: () => Effect.succeed({ head, detach: () => undefined }),
  after: () => Effect.never
})

export const DECISION = "00000000-0000-4000-8000-00000000dec1" as DecisionId

/** With keys 1 and 2; `ask` asks for `live/1` with key 1 on the connection `new`, unless told otherwise. */
export const backstage = (onDuplicate: "refuse" | "takeover" | null = null) => {
  const stage = makeStage()
  stage.addKey(1)
  stage.addKey(2)
  const told = { wakes: 0, regrets: [] as Array<string>, failures: 0 }
  const store = { answers: true }
  const wake = Effect.sync(() => {
    told.wakes++
  })
  const reconciler = Layer.succeed(Reconciler)({
    wake,
    wakeSoon: wake,
    nextPass: Effect.void,
    passes: Stream.empty,
    lastSnapshot: Effect.succeed(null),
    warnings: Effect.succeed([]),
    receiveHook: () => Effect.void
  })
  const lostAdmissions = Layer.succeed(LostAdmissions)({
    add: (id) => Effect.sync(() => void told.regrets.push(id)),
    has: (id) => Effect.sync(() => told.regrets.includes(id)),
    end: Effect.void,
    areMany: Effect.succeed(false)
  })
  const storeMonitor = Layer.succeed(StoreMonitor)({
    reportFailure: Effect.sync(() => void told.failures++),
    isUp: Effect.sync(() => store.answers)
  })
  const decisions = Layer.succeed(DecisionLog)({ add: () => Effect.succeed(DECISION) })
  // Every path is public, as without any token.
  const playback = Layer.provide(PlaybackAccess.layer, Layer.mergeAll(stage.layer, storeMonitor, noEvents))
  const notes = Layer.provide(ViewerNotes.layer, stage.layer)
  const policy = onDuplicate === null ? Layer.empty : Layer.succeed(DuplicatePolicy)(onDuplicate)
  const layer = Layer.mergeAll(
    stage.layer,
    reconciler,
    lostAdmissions,
    storeMonitor,
    decisions,
    policy,
    playback,
    notes
  )
  const ask = (more: Partial<PublishRequest> & { readonly n?: number | null } = {}) => {
    const { n = 1, ...fields } = more
    const key = n === null ? null : Redacted.make(keyValue(n))
    const request = { _tag: "Publish", path: "live/1", protocol: "rtmp", sourceId: "new", key, ...fields } as const
    return authenticate(request).pipe(Effect.provide(layer))
  }
  return { stage, store, told, layer, ask }
}
