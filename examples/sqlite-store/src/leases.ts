/** The reconciler's lease: one row. */
import { type Lease, type LeaseHolder, Leases, type PassSummary } from "@greenroom/core"
import { type DateTime, Effect } from "effect"
import { millisOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

interface LeaseRow {
  readonly holder: string
  readonly until: number
  readonly started: string | null
  readonly looked_at: number | null
  readonly found: string | null
  readonly enforce_until: number | null
}

const leaseRow = ({ one }: Tables) => one<LeaseRow>("select * from lease")!

/** Whether a change by this holder is permitted; one without a holder always is. */
export const holds = (tables: Tables, by: LeaseHolder, now: DateTime.Utc): boolean => {
  const { holder, until } = leaseRow(tables)
  return by === null || (holder === by && until > millisOf(now))
}

const leaseOf = (tables: Tables, holder: string, at: DateTime.Utc): Lease => {
  const { until, started, looked_at, found, enforce_until } = leaseRow(tables)
  const now = millisOf(at)
  return {
    held: holds(tables, holder, at),
    leftMillis: until - now,
    started,
    enforce: enforce_until !== null && enforce_until > now,
    lastSnapshot:
      looked_at === null || found === null
        ? null
        : { ageMillis: now - looked_at, found: JSON.parse(found) as PassSummary }
  }
}

export const leases = Effect.map(Sqlite, ({ write }) =>
  Leases.of({
    acquire: (holder, ttlMillis) =>
      write("Leases.acquire", (tables, at) => {
        const now = millisOf(at)
        tables.run(
          "update lease set holder = ?1, until = ?2 where holder = ?1 or until <= ?3",
          ...[holder, now + ttlMillis, now]
        )
        return leaseOf(tables, holder, at)
      }),
    recordPass: (holder, { started, lookedAt, found, fulfilled }, ttlMillis) =>
      write("Leases.recordPass", (tables, at) => {
        if (!holds(tables, holder, at)) return null
        tables.run(
          "update lease set until = ?, started = ?, reachable = 1, looked_at = ?, found = ?, enforce_until = iif(?, null, enforce_until)",
          ...[millisOf(at) + ttlMillis, started, millisOf(lookedAt), JSON.stringify(found), fulfilled ? 1 : 0]
        )
        return leaseOf(tables, holder, at)
      }),
    recordUnreachable: (holder) =>
      write("Leases.recordUnreachable", (tables, now) => {
        if (holds(tables, holder, now)) tables.run("update lease set reachable = 0")
      }),
    requestEnforcement: (millis) =>
      write("Leases.requestEnforcement", ({ run }, now) => {
        run("update lease set enforce_until = max(coalesce(enforce_until, 0), ?)", millisOf(now) + millis)
      }),
    release: (holder) =>
      write("Leases.release", (tables, now) => {
        if (holds(tables, holder, now)) tables.run("update lease set until = ?", millisOf(now))
      })
  })
)
