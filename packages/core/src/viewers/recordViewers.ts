/** Writes who came and went, in parts that are each short enough for one statement. */
import { Effect } from "effect"
import { changesToRecord, type RecordChanges } from "../domain/viewers/viewerSessions.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { Viewers } from "../ports/Viewers.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"
import type { Supervision } from "./Supervision.ts"

/** Of one statement. */
const RECORDED_AT_ONCE = 1_000

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

export const recordViewers = Effect.fnUntraced(function* (state: Supervision) {
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
