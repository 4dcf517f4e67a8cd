/** What this instance is at a moment, with the state that belongs to it. A follower has none, so a new leader begins anew. */
import { type Findings, noFindings } from "../domain/reconciliation/PassReport.ts"
import { initialState, type ReconcileState } from "../domain/reconciliation/ReconcileState.ts"
import type { MarkedReady } from "../domain/reconciliation/summarizePass.ts"
import type { ReadLease } from "./LeaseGuard.ts"

export interface LeaderState {
  readonly reconcile: ReconcileState
  readonly findings: Findings
  /** Unauthorized publishers that were kicked since their enforcement was requested. */
  readonly enforcedKicks: number
  readonly markedReady: MarkedReady
  /** The lease as the pass before has renewed it; `null` when it did not come so far. */
  readonly renewed: ReadLease | null
}

export type Role = { readonly _tag: "Follower" } | { readonly _tag: "Leader"; readonly state: LeaderState }

export const follower: Role = { _tag: "Follower" }

export const newLeaderState: LeaderState = {
  reconcile: initialState,
  findings: noFindings,
  enforcedKicks: 0,
  markedReady: new Map(),
  renewed: null
}

export const leader = (state: LeaderState): Role => ({ _tag: "Leader", state })

export const findingsOf = (role: Role): Findings | null => (role._tag === "Leader" ? role.state.findings : null)

/** The next pass reads the lease, however young it is. */
export const readsLeaseAnew = (role: Role): Role =>
  role._tag === "Leader" ? leader({ ...role.state, renewed: null }) : role
