/** What the supervision of viewers knows between its turns: the sessions, as the snapshots and the store have shown them. */
import { DateTime, Effect } from "effect"
import type { ListedReader } from "../domain/viewers/Viewer.ts"
import { followListed, newSession, type SessionIdentity, type ViewerSession } from "../domain/viewers/viewerSessions.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { Viewers } from "../ports/Viewers.ts"
import { LEASE_TTL_MS } from "../reconciler/LeaseGuard.ts"
import { elapsedAtMost, monotonicMillis, type Reading } from "../resilience/ProcessClock.ts"
import { viewerAdmitted } from "./identifyViewers.ts"

export interface Supervision {
  sessions: Map<string, ViewerSession>
  /** Recorded as viewers, and gone; not written yet. */
  gone: ReadonlyArray<ViewerSession>
  leading: boolean
  /** Before the snapshot of the last complete pass. */
  completeAt: Reading | null
  hlsReadAt: number
}

/** Of an instance that does not lead. */
export const noSupervision = (): Supervision => ({
  sessions: new Map(),
  gone: [],
  leading: false,
  completeAt: null,
  hlsReadAt: Number.NEGATIVE_INFINITY
})

/** What another leader has written, with what is known of the sessions here. */
export const takeOver = Effect.fnUntraced(function* (state: Supervision) {
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
export const hasLedSince = ({ leading, completeAt }: Supervision, snapshotAt: Reading): boolean =>
  leading && completeAt !== null && elapsedAtMost(completeAt, snapshotAt) < LEASE_TTL_MS

/** After a snapshot: who is new is known, where this instance has let it in. */
export const follow = Effect.fnUntraced(function* (state: Supervision, readers: ReadonlyArray<ListedReader>) {
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
