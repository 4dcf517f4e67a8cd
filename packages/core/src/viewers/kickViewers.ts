/**
 * Kicks the sessions that have to leave. It needs no lease: a kick of a viewer without right is right from anyone. But it must be of the moment: a process that
 * was frozen since its snapshot kicks no session, and where a policy is the reason the store is asked again, if it answers.
 */
import { Effect, Metric } from "effect"
import type { PathFacts } from "../domain/playback/coversPath.ts"
import type { ViewerProtocol } from "../domain/viewers/Viewer.ts"
import { type Kick, kicksDue, type Rights, type ViewerSession, whyLeaves } from "../domain/viewers/viewerSessions.ts"
import * as Metrics from "../Metrics.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { isGoodKey } from "../playback/PlaybackView.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { elapsedAtMost, monotonicMillis, nowSeconds, type Reading, readClocks } from "../resilience/ProcessClock.ts"

/** After a snapshot. */
const KICK_WITHIN_MS = 2_000
const AT_ONCE = 8

/** The rights as this process knows them. */
const currentRights = Effect.fnUntraced(function* (sessions: ReadonlyMap<string, ViewerSession>) {
  const access = yield* PlaybackAccess
  const view = yield* access.view
  const facts = new Map<string, PathFacts>()
  for (const { listed } of sessions.values()) {
    if (!facts.has(listed.path)) facts.set(listed.path, yield* access.factsOf(listed.path, "follow"))
  }
  const seconds = yield* nowSeconds
  const rights: Rights = {
    factsOf: (path) => facts.get(path) ?? null,
    revocations: view.revocations,
    hasKey: (id) => isGoodKey(view, id, seconds),
    seconds
  }
  return rights
})

/** For these a session has to leave whatever its path's policy is. */
const isWhateverThePolicy = ({ why }: Kick): boolean => why === "too_many_sessions" || why === "kicked"

/**
 * Those that have to leave by what the store has of their paths now, too: on a path that was made public a moment ago no right is needed. While it does
 * not answer what is in memory counts.
 */
const confirmed = Effect.fnUntraced(function* (kicks: ReadonlyArray<Kick>, rights: Rights) {
  const access = yield* PlaybackAccess
  const paths = new Set(kicks.flatMap((kick) => (isWhateverThePolicy(kick) ? [] : [kick.session.listed.path])))
  const fresh = new Map<string, PathFacts>()
  yield* Effect.forEach(
    paths,
    (path) =>
      Effect.map(Effect.option(access.freshFactsOf(path)), (facts) => {
        if (facts._tag === "Some") fresh.set(path, facts.value)
      }),
    { concurrency: AT_ONCE }
  )
  const now: Rights = { ...rights, factsOf: (path) => fresh.get(path) ?? rights.factsOf(path) }
  return kicks.filter((kick) => isWhateverThePolicy(kick) || whyLeaves(kick.session, now) !== null)
})

const kick = Effect.fnUntraced(function* ({ session, why }: Kick, snapshotAt: Reading) {
  if (elapsedAtMost(snapshotAt, yield* readClocks) > KICK_WITHIN_MS) return []
  const { protocol, id } = session.listed
  const answer = yield* Effect.option((yield* MediaServer).kickViewer({ protocol, id }))
  if (answer._tag === "None") return []
  if (answer.value === "kicked") yield* Metric.update(Metrics.viewerKicks(why), 1)
  const kicked: ViewerSession = { ...session, kicked: { at: yield* monotonicMillis, why } }
  return [kicked]
})

const protocolOf = ({ session }: Kick): ViewerProtocol => session.listed.protocol

/** The sessions that were kicked, as they are now. `snapshotAt`: before the snapshot that has listed them was asked for. */
export const kickViewers = Effect.fnUntraced(function* (
  sessions: ReadonlyMap<string, ViewerSession>,
  snapshotAt: Reading
) {
  const rights = yield* currentRights(sessions)
  const due = kicksDue(sessions, rights, yield* monotonicMillis)
  if (due.length === 0) return []
  const kicks = yield* confirmed(due, rights)
  // One protocol that does not answer must not delay the others.
  const protocols = [...new Set(kicks.map(protocolOf))]
  const kicked = yield* Effect.forEach(
    protocols,
    (protocol) =>
      Effect.forEach(
        kicks.filter((one) => protocolOf(one) === protocol),
        (one) => kick(one, snapshotAt),
        { concurrency: AT_ONCE }
      ),
    { concurrency: "unbounded" }
  )
  return kicked.flat(2)
})
