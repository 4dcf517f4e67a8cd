/**
 * One pass of the reconciler: look at the store, the media server, the store again; let the pure `reconcile` decide; do what it
 * says. A pass that cannot look at everything does nothing. Each write is conditional on still holding the lease, and before a
 * kick the store is read once more: between a decision and its execution this process may have been frozen for any time.
 */
import { Context, Effect, Metric, Option } from "effect"
import type { StreamId } from "../domain/Ids.ts"
import type { ListedSource } from "../domain/Look.ts"
import { type Command, type Memory, type Policy, reconcile } from "../domain/reconcile.ts"
import { withoutKeys } from "../domain/StreamPath.ts"
import { type Lease, Leases } from "../ports/Leases.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { Sessions } from "../ports/Sessions.ts"
import * as Telemetry from "../Telemetry.ts"

/** How this deployment reconciles. */
export class ReconcilePolicy extends Context.Service<
  ReconcilePolicy,
  Policy & {
    /** Names this instance among those that share the store; never the same twice. */
    readonly holder: string
  }
>()("greenroom/ReconcilePolicy") {}

/** A lease outlives several passes and runs out 3 s after its holder's last sign of life; a pass renews it while it lasts. */
export const LEASE_TTL_MS = 3_000

export type PassOutcome =
  | { readonly _tag: "NotLeading" }
  /** `unsettled`: something was started that the next look must confirm, so it should come soon. */
  | {
      readonly _tag: "Complete"
      readonly memory: Memory
      readonly unended: number
      readonly unsettled: boolean
      /** Somebody is connecting: whether it becomes ready is what everybody waits for. */
      readonly expecting: boolean
      /** Publishers without a session that were not kicked: by policy (`report`), or because they are too many at once. */
      readonly reported: ReadonlyArray<ListedSource>
      readonly heldBack: number
    }

/** A path as it may be written: whoever was never admitted may have put a key into it. */
const shown = (path: string | null): string | null => (path === null ? null : withoutKeys(path))

type Of<T extends Command["_tag"]> = Extract<Command, { readonly _tag: T }>

const notLeading: PassOutcome = { _tag: "NotLeading" }

/** A pass that loses the lease ends there: another instance leads, and two must not look and kick at once. */
export const pass = Effect.fnUntraced(function* (memory: Memory) {
  const { holder } = yield* ReconcilePolicy
  const leases = yield* Leases
  const lease = yield* leases.hold(holder, LEASE_TTL_MS)
  if (!lease.held) return notLeading
  const lost = Effect.gen(function* () {
    do yield* Effect.sleep(LEASE_TTL_MS / 3)
    while ((yield* leases.hold(holder, LEASE_TTL_MS)).held)
    return notLeading
  })
  return yield* Effect.raceFirst(led(memory, lease), lost)
})

const led = Effect.fnUntraced(function* (memory: Memory, lease: Lease) {
  const policy = yield* ReconcilePolicy
  const sessions = yield* Sessions
  const leases = yield* Leases
  const mediaServer = yield* MediaServer

  yield* sessions.requestDueStops
  const s1 = yield* sessions.unended
  const look = yield* mediaServer.look
  const s2 = yield* sessions.after(look.sources.map((source) => source.id))
  const result = reconcile(policy, s1, look, s2, { ...memory, started: lease.started })
  const only = <T extends Command["_tag"]>(tag: T) =>
    result.commands.filter((command): command is Of<T> => command._tag === tag)

  // Whoever sees a stream become active finds its tracks there.
  if (result.observations.length > 0) yield* sessions.observe(result.observations, policy.holder)
  const ready = only("MarkReady")
  if (ready.length > 0) yield* sessions.markReady(ready, policy.holder)
  for (const { streamId, reason } of only("RequestStop")) yield* sessions.requestStop(streamId, reason, policy.holder)
  yield* endAll(only("End"), policy.holder)
  const kicked = yield* kickAll(only("KickStopping"), only("KickUnauthorized"), policy.holder)
  yield* cureAll(only("CurePath"))
  if (lease.started !== look.started) yield* leases.remember(policy.holder, look.started)

  yield* Metric.update(Telemetry.unendedStreams, s2.unended.length)
  const seenFirst = [...result.memory.unlisted].some((source) => !memory.unlisted.has(source))
  const outcome: PassOutcome = {
    _tag: "Complete",
    memory: result.memory,
    unended: s2.unended.length,
    unsettled: kicked > 0 || only("RequestStop").length > 0 || seenFirst,
    expecting: s2.unended.some((session) => session.state._tag === "Connecting"),
    reported: only("ReportUnauthorized").map((command) => command.listed),
    heldBack: only("HoldMassKick").reduce((sum, hold) => sum + hold.count, 0)
  }
  return outcome
})

/** Sources whose absence needs a second word are asked for by id; a failed question leaves the session as it is. */
const endAll = Effect.fnUntraced(function* (ends: ReadonlyArray<Of<"End">>, holder: string) {
  const sessions = yield* Sessions
  const mediaServer = yield* MediaServer
  const gone = (end: Of<"End">) =>
    end.verify
      ? mediaServer.find(end.session.source).pipe(
          Effect.map((answer) => answer === "gone"),
          Effect.orElseSucceed(() => false)
        )
      : Effect.succeed(true)
  for (const cause of ["left", "media_server_restarted"] as const) {
    const candidates = ends.filter((end) => end.cause === cause)
    if (candidates.length === 0) continue
    const verdicts = yield* Effect.forEach(candidates, gone, { concurrency: 8 })
    const ids = candidates.filter((_, index) => verdicts[index]).map((end) => end.session.streamId)
    if (ids.length > 0) yield* sessions.end(ids, cause, holder)
  }
})

/**
 * Resets the paths of publishers that no kick reaches, if another look shows them there still: a newcomer that has driven one out since
 * must not go in its place. A path that could not be reset is seen again: the failure is said, and keeps the pass from nothing.
 */
const cureAll = Effect.fnUntraced(function* (cures: ReadonlyArray<Of<"CurePath">>) {
  if (cures.length === 0) return
  const mediaServer = yield* MediaServer
  const again = yield* Effect.option(mediaServer.look)
  if (Option.isNone(again)) return
  const { paths, sources } = again.value
  const isThere = ({ path, sourceId }: Of<"CurePath">) =>
    paths.some((one) => one.name === path && one.sourceId === sourceId) && !sources.some((one) => one.id === sourceId)
  for (const { path } of cures.filter(isThere)) {
    const about = Effect.annotateLogs({ path: shown(path) })
    yield* about(Effect.logWarning("a publisher that no list shows: its path is reset"))
    yield* Effect.catchTag(mediaServer.curePath(path), "MediaServerUnavailable", (error) =>
      about(Effect.logWarning("a path could not be reset; the next pass tries again")).pipe(
        Effect.annotateLogs({ error: withoutKeys(error.message) })
      )
    )
  }
})

/** Kicks those for whom the reason still holds. How many were told to go. */
const kickAll = Effect.fnUntraced(function* (
  stopping: ReadonlyArray<Of<"KickStopping">>,
  strangers: ReadonlyArray<Of<"KickUnauthorized">>,
  holder: string
) {
  if (stopping.length + strangers.length === 0) return 0
  const sessions = yield* Sessions
  const mediaServer = yield* MediaServer
  const now = yield* sessions.bySource([...stopping, ...strangers].map((command) => command.listed.id))
  const bySource = new Map(now.map((session) => [session.source.id, session]))

  const kick = (listed: ListedSource, why: "stopping" | "unauthorized" | "former") =>
    mediaServer.kick({ protocol: listed.protocol, id: listed.id }).pipe(
      Effect.tap((answer) =>
        Effect.logInfo(answer === "kicked" ? "publisher kicked" : "publisher had left before the kick").pipe(
          Effect.annotateLogs({ why, path: shown(listed.path), protocol: listed.protocol, source_id: listed.id })
        )
      ),
      Effect.tap(() => Metric.update(Metric.withAttributes(Telemetry.kicks, { why }), 1)),
      Effect.as(true),
      Effect.catchTag("MediaServerUnavailable", (error) =>
        Effect.logWarning("a kick was not answered; the next pass tries again").pipe(
          Effect.annotateLogs({ why, path: shown(listed.path), source_id: listed.id, error: error.message }),
          Effect.as(false)
        )
      )
    )

  const told: Array<StreamId> = []
  const kickStopping = Effect.fnUntraced(function* ({ listed }: Of<"KickStopping">) {
    const session = bySource.get(listed.id)
    if (session === undefined || session.state.ending === null) return 0
    if (!(yield* kick(listed, "stopping"))) return 0
    if (session.state.ending.kickedAt !== null) return 0
    told.push(session.streamId)
    return 1
  })
  const kickStranger = ({ listed, former }: Of<"KickUnauthorized">) =>
    bySource.has(listed.id)
      ? Effect.succeed(0)
      : Effect.map(kick(listed, former ? "former" : "unauthorized"), (kicked) => (kicked ? 1 : 0))

  const counts = yield* Effect.forEach(
    [...stopping, ...strangers],
    (command) => (command._tag === "KickStopping" ? kickStopping(command) : kickStranger(command)),
    { concurrency: 8 }
  )
  if (told.length > 0) yield* sessions.markKicked(told, holder)
  return counts.reduce<number>((sum, count) => sum + count, 0)
})
