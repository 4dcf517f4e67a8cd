/** What a plan and its execution come to: the summary that is kept beside the lease, and the publishers that the pass left on the air. Pure. */
import type { DateTime } from "effect"
import type { StreamId } from "../values/Ids.ts"
import { millisBetween } from "../values/Timestamp.ts"
import { type Appearances, doNotAppear } from "./appearances.ts"
import type { Command, CommandOf } from "./Command.ts"
import type { MediaServerSnapshot } from "./MediaServerSnapshot.ts"
import type { Findings } from "./PassReport.ts"
import type { PassSummary } from "./PassSummary.ts"
import type { Reconciliation } from "./planReconciliation.ts"

export const commandsOf = <T extends Command["_tag"]>(
  { commands }: Pick<Reconciliation, "commands">,
  tag: T
): ReadonlyArray<CommandOf<T>> => commands.filter((command): command is CommandOf<T> => command._tag === tag)

const markedReady = (plan: Reconciliation): ReadonlyArray<StreamId> =>
  commandsOf(plan, "MarkReady").map(({ streamId }) => streamId)

export type LeftOnAir = Pick<Findings, "reported" | "held" | "unlisted" | "unwritten">

/** The streams that each of so many passes in a row has marked ready, under a lease that held to its end. */
export type MarkedReady = ReadonlyMap<StreamId, number>

export const nextMarkedReady = (plan: Reconciliation, before: MarkedReady): MarkedReady =>
  new Map(markedReady(plan).map((streamId) => [streamId, (before.get(streamId) ?? 0) + 1]))

/** Once may be a lease that ran out in the store and was renewed in the same pass. */
const UNWRITTEN_AFTER = 2

export const leftOnAir = (plan: Reconciliation, marked: MarkedReady): LeftOnAir => ({
  reported: new Map(commandsOf(plan, "ReportUnauthorized").map(({ listed }) => [listed.id, listed])),
  held: commandsOf(plan, "HoldUnauthorized")[0] ?? null,
  unlisted: new Map(commandsOf(plan, "ReportUnlisted").map(({ path }) => [path.sourceId, path])),
  unwritten: new Set(markedReady(plan).filter((streamId) => (marked.get(streamId) ?? 0) >= UNWRITTEN_AFTER))
})

export interface Execution {
  /** Unauthorized publishers that were kicked for the first time; with enforcement, all since it was requested. */
  readonly kicked: number
  readonly enforced: boolean
  /** With the publishers that ended in this pass. */
  readonly appearances: Appearances
  readonly now: DateTime.Utc
}

export const summarizePass = (
  snapshot: MediaServerSnapshot,
  plan: Reconciliation,
  { kicked, enforced, appearances, now }: Execution
): PassSummary => {
  const reported = commandsOf(plan, "ReportUnauthorized").length
  const [held] = commandsOf(plan, "HoldUnauthorized")
  const heldBack = held?.count ?? 0
  const absentFor = Math.max(0, millisBetween(appearances.absentAt ?? now, now))
  return {
    publishers: snapshot.sources.filter((source) => source.state === "publish").length,
    unauthorized: commandsOf(plan, "KickUnauthorized").length + reported + heldBack,
    kicked,
    reported,
    heldBack,
    ...(held === undefined ? {} : { heldWhy: held.why }),
    ...(doNotAppear(appearances) ? { notAppearing: true, notAppearingForMillis: absentFor } : {}),
    ...(plan.unlistedUnknown > 0 ? { unlisted: plan.unlistedUnknown } : {}),
    enforced
  }
}

/** Whether a request for enforcement is fulfilled: no publisher is left that it speaks of. */
export const isEnforced = (found: PassSummary): boolean => found.unauthorized === 0 && (found.unlisted ?? 0) === 0
