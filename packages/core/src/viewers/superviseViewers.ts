/**
 * Follows the viewers' sessions for as long as this instance leads: it acts on the snapshots of the reconciler's passes. Who has to leave is kicked at once, who
 * came and went is written, and who counts is shown to the next pass. While the store does not answer the last leader goes on with
 * snapshots of its own, and kicks by what it knows.
 */
import { Effect, Metric, Queue, Stream } from "effect"
import { type ListedReader, ViewerProtocol } from "../domain/viewers/Viewer.ts"
import { countsUnknown, idleAfterMillis, isCounted, withBytes } from "../domain/viewers/viewerSessions.ts"
import * as Metrics from "../Metrics.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import type { PassOutcome } from "../reconciler/runPass.ts"
import { makeConditions } from "../resilience/Conditions.ts"
import { monotonicMillis, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import { type LoopCondition, underCondition } from "../resilience/underCondition.ts"
import { identifyViewers } from "./identifyViewers.ts"
import { kickViewers } from "./kickViewers.ts"
import { recordViewers } from "./recordViewers.ts"
import { follow, hasLedSince, noSupervision, type Supervision, takeOver } from "./Supervision.ts"

/** The list of HLS sessions is long, so it is read seldom: an HLS viewer that left stops counting within 10 s. */
const READ_HLS_EVERY_MS = 3_000
const unsupervised: LoopCondition = {
  kind: "viewers_unsupervised",
  begins: "the viewers' sessions cannot be followed",
  over: "the viewers' sessions are followed again",
  defect: "a defect in the supervision of viewers"
}

const enforce = Effect.fnUntraced(function* (state: Supervision, snapshotAt: Reading) {
  for (const session of yield* kickViewers(state.sessions, snapshotAt)) state.sessions.set(session.listed.id, session)
})

const identify = Effect.fnUntraced(function* (state: Supervision) {
  const identities = yield* identifyViewers([...state.sessions.values()], yield* monotonicMillis)
  for (const [id, identity] of identities) {
    const session = state.sessions.get(id)
    if (session !== undefined) state.sessions.set(id, { ...session, identity })
  }
  return identities.size > 0
})

const readHlsActivity = Effect.fnUntraced(function* (state: Supervision) {
  const now = yield* monotonicMillis
  const isOn = [...state.sessions.values()].some(({ listed }) => listed.protocol === "hls")
  if (!isOn || now - state.hlsReadAt < READ_HLS_EVERY_MS) return
  state.hlsReadAt = now
  const mediaServer = yield* MediaServer
  const listed = yield* Effect.option(mediaServer.viewersOf("hls"))
  if (listed._tag === "None") return
  const bytes = new Map(listed.value.map(({ id, outboundBytes }) => [id, outboundBytes]))
  const idleAfter = idleAfterMillis((yield* mediaServer.facts)?.hlsSegmentMillis ?? null)
  for (const [id, session] of state.sessions) {
    if (session.listed.protocol === "hls") state.sessions.set(id, withBytes(session, bytes.get(id), idleAfter, now))
  }
})

/** For the next pass, and in the metrics. */
const show = Effect.fnUntraced(function* ({ sessions }: Supervision) {
  const counts = new Map<ViewerProtocol, number>(ViewerProtocol.literals.map((protocol) => [protocol, 0]))
  for (const session of sessions.values()) {
    const { protocol } = session.listed
    if (isCounted(session)) counts.set(protocol, (counts.get(protocol) ?? 0) + 1)
  }
  const current = yield* CurrentViewers
  current.counts = (reader) => {
    const session = sessions.get(reader.id)
    return session === undefined ? countsUnknown(reader) : isCounted(session)
  }
  for (const [protocol, count] of counts) yield* Metric.update(Metrics.viewers(protocol), count)
})

const look = Effect.fnUntraced(function* (state: Supervision, readers: ReadonlyArray<ListedReader>, at: Reading) {
  yield* follow(state, readers)
  yield* enforce(state, at)
  if (yield* identify(state)) yield* enforce(state, at)
  yield* readHlsActivity(state)
  yield* show(state)
})

const isStoreDown = (outcome: PassOutcome): boolean =>
  outcome._tag === "Failed" && outcome.failure.kind === "reconciler_store"

const act = Effect.fnUntraced(function* (state: Supervision, outcome: PassOutcome) {
  if (outcome._tag === "NotLeading") {
    if (!state.leading) return
    Object.assign(state, noSupervision())
    return yield* show(state)
  }
  if (outcome._tag === "Complete") {
    if (!hasLedSince(state, outcome.snapshotAt)) yield* takeOver(state)
    state.completeAt = outcome.snapshotAt
    yield* look(state, outcome.snapshot.readers, outcome.snapshotAt)
    return yield* recordViewers(state)
  }
  if (!state.leading || !isStoreDown(outcome)) return
  const at = yield* readClocks
  const { readers } = yield* (yield* MediaServer).snapshot
  yield* look(state, readers, at)
})

/** Runs until it is interrupted. */
export const superviseViewers = Effect.gen(function* () {
  const reconciler = yield* Reconciler
  const access = yield* PlaybackAccess
  const conditions = makeConditions()
  const state = noSupervision()
  const newest = yield* Queue.sliding<PassOutcome>(1)
  yield* Effect.forkScoped(Stream.runForEach(reconciler.passes, (outcome) => Queue.offer(newest, outcome)))
  // A right that was taken away is looked at once, not at the next turn of the clock.
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        access.changed,
        Effect.suspend(() => (state.sessions.size > 0 ? reconciler.wake : Effect.void))
      )
    )
  )
  const turn = Effect.flatMap(Queue.take(newest), (outcome) =>
    underCondition(act(state, outcome), conditions, unsupervised)
  )
  return yield* Effect.forever(turn)
}).pipe(Effect.scoped)
