/**
 * Follows the viewers' sessions for as long as this instance leads: it acts on the snapshots of the reconciler's passes. Who has to leave is kicked at once, who
 * came and went is written, and who counts is shown to the next pass. While the store does not answer the last leader goes on with
 * snapshots of its own, and kicks by what it knows.
 */
import { Cause, DateTime, Effect, Exit, Metric, Queue, Stream } from "effect"
import { withoutKeys } from "../domain/access/StreamPath.ts"
import type { ListedReader, ViewerProtocol } from "../domain/viewers/Viewer.ts"
import { ViewerProtocol as Protocols } from "../domain/viewers/Viewer.ts"
import {
  changesToRecord,
  countsUnknown,
  followListed,
  idleAfterMillis,
  isCounted,
  newSession,
  type RecordChanges,
  type SessionIdentity,
  type ViewerSession,
  withBytes
} from "../domain/viewers/viewerSessions.ts"
import * as Metrics from "../Metrics.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { Viewers } from "../ports/Viewers.ts"
import { LEASE_TTL_MS } from "../reconciler/LeaseGuard.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import type { PassOutcome } from "../reconciler/runPass.ts"
import { makeConditions } from "../resilience/Conditions.ts"
import { elapsedAtMost, monotonicMillis, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import { identifyViewers, viewerAdmitted } from "./identifyViewers.ts"
import { kickViewers } from "./kickViewers.ts"

/** The list of HLS sessions is long, so it is read seldom: an HLS viewer that left stops counting within 10 s. */
const READ_HLS_EVERY_MS = 3_000
/** Of one statement. */
const RECORDED_AT_ONCE = 1_000

const CANNOT = "the viewers' sessions cannot be followed"
const CAN_AGAIN = "the viewers' sessions are followed again"

/** What the supervision knows between its turns. */
interface Supervision {
  sessions: Map<string, ViewerSession>
  /** Recorded as viewers, and gone; not written yet. */
  gone: ReadonlyArray<ViewerSession>
  leading: boolean
  /** Before the snapshot of the last complete pass. */
  completeAt: Reading | null
  hlsReadAt: number
}

const none = (): Supervision => ({
  sessions: new Map(),
  gone: [],
  leading: false,
  completeAt: null,
  hlsReadAt: Number.NEGATIVE_INFINITY
})

/** What another leader has written, with what is known of the sessions here. */
const takeOver = Effect.fnUntraced(function* (state: Supervision) {
  const open = yield* (yield* Viewers).open
  const now = yield* monotonicMillis
  const isOpen = new Set(open.map(({ id }) => id))
  state.gone = state.gone.filter(({ listed }) => isOpen.has(listed.id))
  const isGone = new Set(state.gone.map(({ listed }) => listed.id))
  for (const [id, session] of state.sessions) state.sessions.set(id, { ...session, isRecorded: false })
  for (const viewer of open) {
    const { id, protocol, path } = viewer
    if (isGone.has(id)) continue
    const identity: SessionIdentity = { _tag: "Viewer", viewer }
    const session = state.sessions.get(id) ?? newSession({ id, protocol, path }, identity, now)
    state.sessions.set(id, { ...session, identity, isRecorded: true })
  }
  state.leading = true
})

/** Whether no other instance can have led since the last complete pass: its lease was renewed after its snapshot. */
const hasLedSince = ({ leading, completeAt }: Supervision, snapshotAt: Reading): boolean =>
  leading && completeAt !== null && elapsedAtMost(completeAt, snapshotAt) < LEASE_TTL_MS

const follow = Effect.fnUntraced(function* (state: Supervision, readers: ReadonlyArray<ListedReader>) {
  const { admitted } = yield* CurrentViewers
  const now = yield* monotonicMillis
  const since = yield* DateTime.now
  const identify = (listed: ListedReader): SessionIdentity => {
    const viewer = admitted.find(listed.id)
    return viewer === null
      ? { _tag: "Unknown", asked: null }
      : { _tag: "Viewer", viewer: viewerAdmitted({ listed }, viewer, since) }
  }
  const { sessions, gone } = followListed(state.sessions, readers, identify, now)
  state.sessions = sessions
  state.gone = [...state.gone, ...gone]
})

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

/** The parts of a long list of changes, each short enough for one statement. */
const inParts = ({ joined, left }: RecordChanges): ReadonlyArray<RecordChanges> => {
  const count = Math.ceil(Math.max(joined.length, left.length) / RECORDED_AT_ONCE)
  return Array.from({ length: count }, (_, part) => ({
    joined: joined.slice(part * RECORDED_AT_ONCE, (part + 1) * RECORDED_AT_ONCE),
    left: left.slice(part * RECORDED_AT_ONCE, (part + 1) * RECORDED_AT_ONCE)
  }))
}

/** Whose path it is, as it is known when the viewer joins. */
const withOwners = Effect.fnUntraced(function* ({ joined, left }: RecordChanges) {
  const access = yield* PlaybackAccess
  const owned = yield* Effect.forEach(joined, (viewer) =>
    Effect.map(access.factsOf(viewer.path, "follow"), ({ streamId, broadcasterId }) => ({
      ...viewer,
      streamId,
      broadcasterId
    }))
  )
  return { joined: owned, left }
})

/** The store may have written them and not answered: who leaves before the next turn must not stay there. */
const markUnsure = (state: Supervision, { joined, left }: RecordChanges) => {
  for (const { id } of [...joined, ...left]) {
    const session = state.sessions.get(id)
    if (session !== undefined) state.sessions.set(id, { ...session, isRecorded: "perhaps" })
  }
}

const record = Effect.fnUntraced(function* (state: Supervision) {
  const { kicked } = yield* CurrentViewers
  const changes = yield* withOwners(changesToRecord(state.sessions, state.gone, kicked))
  const viewers = yield* Viewers
  const { holder } = yield* ReconcilePolicy
  for (const part of inParts(changes)) {
    const recording = Effect.tapError(viewers.record(part, holder), () => Effect.sync(() => markUnsure(state, part)))
    if (!(yield* recording)) return
    const left = new Set(part.left.map(({ id }) => id))
    state.gone = state.gone.filter(({ listed }) => !left.has(listed.id))
    for (const viewer of part.joined) {
      const session = state.sessions.get(viewer.id)
      if (session === undefined) continue
      state.sessions.set(viewer.id, { ...session, isRecorded: true, identity: { _tag: "Viewer", viewer } })
    }
    for (const id of left) {
      const session = state.sessions.get(id)
      if (session === undefined) kicked.delete(id)
      else state.sessions.set(id, { ...session, isRecorded: false })
    }
  }
})

/** For the next pass, and in the metrics. */
const show = Effect.fnUntraced(function* ({ sessions }: Supervision) {
  const counts = new Map<ViewerProtocol, number>(Protocols.literals.map((protocol) => [protocol, 0]))
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
    Object.assign(state, none())
    return yield* show(state)
  }
  if (outcome._tag === "Complete") {
    if (!hasLedSince(state, outcome.snapshotAt)) yield* takeOver(state)
    state.completeAt = outcome.snapshotAt
    yield* look(state, outcome.snapshot.readers, outcome.snapshotAt)
    return yield* record(state)
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
  const state = none()
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
  const turn = Effect.gen(function* () {
    const exit = yield* Effect.exit(act(state, yield* Queue.take(newest)))
    if (Exit.isSuccess(exit)) return yield* conditions.set("viewers_unsupervised", false, CAN_AGAIN)
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
    const error = Cause.squash(exit.cause)
    const text = withoutKeys(error instanceof Error ? error.message : String(error))
    yield* conditions.set("viewers_unsupervised", true, CANNOT, { annotations: { error: text } })
    if (!(error instanceof StoreUnavailable || isUnavailable(error))) {
      yield* Effect.logError("a defect in the supervision of viewers", exit.cause)
    }
  })
  return yield* Effect.forever(turn)
}).pipe(Effect.scoped)

const isUnavailable = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "MediaServerUnavailable"
