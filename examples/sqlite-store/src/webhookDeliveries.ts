/** What the holder of a webhook endpoint writes: its lease, and how far its deliveries are. */
import {
  FAILURES_KEPT,
  type HeldSubject,
  type LeasedEndpoint,
  type NewDelivery,
  type Settlement,
  SUCCESSES_KEPT,
  type WebhookEndpointId,
  type WebhookEndpointsPort
} from "@greenroom/core"
import { headOf } from "./events.ts"
import { millisOf } from "./page.ts"
import type { Tables, Transaction } from "./Sqlite.ts"
import { type EndpointRow, findEndpoint, leasedOf } from "./webhookRows.ts"

/** `later(null)` is `null`. A column of times takes whole milliseconds only. */
const laterThan = (now: number) => (millis: number | null | undefined) =>
  millis === null || millis === undefined ? null : Math.round(now + millis)

/** Records attempts, and deletes the oldest of each kind. */
const record = ({ run }: Tables, id: WebhookEndpointId, deliveries: ReadonlyArray<NewDelivery>, now: number): void => {
  const later = laterThan(now)
  for (const { eventId, type, position, subject, attempt, outcome, responseStatus, ...rest } of deliveries) {
    run(
      `insert into webhook_deliveries (endpoint_id, event_id, type, position, subject, attempt, outcome, response_status,
         duration_ms, next_attempt_at, answer, at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[id, eventId, type, position, subject, attempt, outcome, responseStatus],
      ...[rest.durationMillis, later(rest.retryInMillis), rest.answer, now]
    )
  }
  const prune = (condition: string, keep: number) =>
    run(
      `delete from webhook_deliveries where nth in (select nth from webhook_deliveries
         where endpoint_id = ? and outcome ${condition} order by nth desc limit -1 offset ?)`,
      ...[id, keep]
    )
  if (deliveries.length === 0) return
  prune("= 'delivered'", SUCCESSES_KEPT)
  prune("<> 'delivered'", FAILURES_KEPT)
}

const HELD_BY = "enabled = 1 and holder = ? and lease_until > ?"

const lease = (
  { all, one, run }: Tables,
  holder: string,
  { ttlMillis, renewMillis, most }: Parameters<WebhookEndpointsPort["lease"]>[1],
  now: number
): ReadonlyArray<LeasedEndpoint> => {
  run(
    `update webhook_endpoints set lease_until = ? where ${HELD_BY} and lease_until <= ?`,
    ...[now + ttlMillis, holder, now, now + renewMillis]
  )
  const held = one<{ readonly count: number }>(
    `select count(*) as count from webhook_endpoints where ${HELD_BY}`,
    ...[holder, now]
  )!.count
  run(
    `update webhook_endpoints set leases = leases + (holder is not ?1), holder = ?1, lease_until = ?2 where id in
       (select id from webhook_endpoints where enabled = 1 and lease_until <= ?3 order by created_at, id limit ?4)`,
    ...[holder, now + ttlMillis, now, Math.max(0, most - held)]
  )
  return all<EndpointRow>(`select * from webhook_endpoints where ${HELD_BY}`, holder, now).map((row) =>
    leasedOf(row, now)
  )
}

/** The trigger on `disabled_reason` writes the event of an endpoint that is disabled. */
const settle = (tables: Tables, id: WebhookEndpointId, settlement: Settlement, now: number): void => {
  const { run } = tables
  const later = laterThan(now)
  const { position, held, released, stop, failingForMillis, deliveries, disable } = settlement
  const failingSince = later(failingForMillis === null ? null : -failingForMillis)
  run(
    `update webhook_endpoints set position = max(position, ?), stop_attempt = ?, next_attempt_at = ?, failing_since = ? where id = ?`,
    ...[position, stop?.attempt ?? null, later(stop?.dueInMillis), failingSince, id]
  )
  if (disable !== null) {
    const update = "update webhook_endpoints set enabled = 0, disabled_reason = ?, updated_at = ? where id = ?"
    run(update, disable, now, id)
  }
  for (const { subject, position, attempt, dueInMillis } of held) {
    const replace = "insert or replace into webhook_held_subjects values (?, ?, ?, ?, ?)"
    run(replace, id, subject, position, attempt, later(dueInMillis))
  }
  for (const subject of released) {
    run("delete from webhook_held_subjects where endpoint_id = ? and subject = ?", id, subject)
  }
  record(tables, id, deliveries, now)
}

interface HeldRow extends Omit<HeldSubject, "dueInMillis"> {
  readonly next_at: number
}

export const delivering = (read: Transaction, write: Transaction) =>
  ({
    record: (id, deliveries) =>
      write("WebhookEndpoints.record", (tables, now) => {
        if (findEndpoint(tables, id) !== null) record(tables, id, deliveries, millisOf(now))
      }),
    lease: (holder, options) =>
      write("WebhookEndpoints.lease", (tables, now) => lease(tables, holder, options, millisOf(now))),
    release: (holder) =>
      write("WebhookEndpoints.release", ({ run }) => {
        run("update webhook_endpoints set holder = null, lease_until = 0 where holder = ?", holder)
      }),
    held: (id) =>
      read("WebhookEndpoints.held", ({ all }, now) =>
        all<HeldRow>("select * from webhook_held_subjects where endpoint_id = ? order by position", id).map(
          ({ subject, position, attempt, next_at }) => ({
            ...{ subject, position, attempt },
            dueInMillis: next_at - millisOf(now)
          })
        )
      ),
    settle: (id, { holder, generation, lease, log }, settlement) =>
      write("WebhookEndpoints.settle", (tables, at) => {
        const now = millisOf(at)
        const mine = `select 1 from webhook_endpoints where id = ? and generation = ? and leases = ? and ${HELD_BY}`
        if (tables.one(mine, id, generation, lease, holder, now) === null) return false
        const head = headOf(tables)
        if (head.log !== log || settlement.position > head.newest) return false
        settle(tables, id, settlement, now)
        return true
      })
  }) satisfies Partial<WebhookEndpointsPort>
