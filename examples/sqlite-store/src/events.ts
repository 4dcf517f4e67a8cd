/** The event log, as its readers see it. `eventTriggers.ts` has what writes it. */
import {
  type EventFilter,
  Events,
  type LoggedEvent,
  type LogHead,
  type LogPosition,
  READ_AT_MOST
} from "@greenroom/core"
import { type DateTime, Effect, Stream } from "effect"
import { broadcasterOf } from "./broadcasters.ts"
import { DAY_MS, dateOf, millisOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"
import { keyOf } from "./streamKeys.ts"
import { detailsOf } from "./streams.ts"
import { recordOf } from "./workers.ts"

interface EventRow {
  readonly position: number
  readonly id: string
  readonly type: LoggedEvent["type"]
  readonly at: number
  readonly subject: string
  readonly stream_seq: number | null
  readonly broadcaster_id: string | null
  readonly data: string
}

/** `position` is of a sequence of SQLite's, which keeps the last one when its row is deleted. */
export const headOf = ({ one }: Tables): LogHead => {
  const newest = "coalesce((select seq from sqlite_sequence where name = 'events'), 0)"
  const oldest = `coalesce((select min(position) from events), ${newest} + 1)`
  return { ...one<LogHead>(`select log, ${oldest} as oldest, ${newest} as newest from store`)! }
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of the triggers' own
const dataOf = (type: string, image: any, at: DateTime.Utc): unknown => {
  const [resource] = type.split(".")
  if (resource === "stream") return detailsOf(image.stream, image.broadcaster, at)
  if (resource === "key") return keyOf(image)
  if (resource === "broadcaster") return broadcasterOf(image)
  if (resource === "worker") return recordOf(image)
  return "since" in image ? { ...image, since: dateOf(image.since) } : image
}

const eventOf = ({ id, position, type, at, subject, stream_seq, broadcaster_id, data }: EventRow) =>
  ({
    ...{ id, position, type, subject, at: dateOf(at), streamSeq: stream_seq, broadcasterId: broadcaster_id },
    data: dataOf(type, JSON.parse(data), dateOf(at))
  }) as LoggedEvent

const SELECT_EVENTS = `select * from events where position > ?1 and position <= ?2
  and (?3 is null or type in (select value from json_each(?3))) and (?4 is null or broadcaster_id = ?4)
  and (?5 is null or subject = 'stream:' || ?5) and (?6 is null or subject = ?6)
  and (?7 is null or data ->> '$.stream.path' = ?7)
  order by position limit ?8`

const read = (tables: Tables, after: LogPosition, filter: EventFilter, limit: number) => {
  const { types, broadcasterId = null, streamId = null, subject = null, path = null } = filter
  const asked = types === undefined ? null : JSON.stringify(types)
  const last = after + READ_AT_MOST
  const rows = tables.all<EventRow>(
    SELECT_EVENTS,
    ...[after, last, asked, broadcasterId, streamId, subject, path, limit]
  )
  const head = headOf(tables)
  const events = rows.map(eventOf)
  const looked = Math.max(after, Math.min(head.newest, last))
  return { ...head, events, lookedTo: events.length === limit ? events.at(-1)!.position : looked }
}

const TO_REVOKE = `select id from stream_keys
  where revokes_at <= ?1 and revokes_at is not null and revoked_at is null and admits_until is null limit ?2`
const DUE = `select id from stream_keys
  where expires_at <= ?1 and expired_event_at is null and revoked_at is null and admits_until is null limit ?2`

/** Events have their positions already. What is left to write is what only the clock shows: a key has expired, or its overlap has ended. */
const place = ({ read, write }: Sqlite["Service"], most: number) =>
  Effect.gen(function* () {
    const found = yield* read("Events.place", (tables, now) => ({
      isDue: [DUE, TO_REVOKE].some((due) => tables.one(due, millisOf(now), 1) !== null),
      head: headOf(tables)
    }))
    // It is called four times a second, and a transaction that writes makes others wait.
    if (!found.isDue) return { placed: 0, ...found.head }
    return yield* write("Events.place", (tables, now) => {
      const update = `update stream_keys set expired_event_at = ?1 where id in (${DUE})`
      const revoke = `update stream_keys set revoked_at = revokes_at where id in (${TO_REVOKE})`
      const placed = tables.run(update, millisOf(now), most) + tables.run(revoke, millisOf(now), most)
      return { placed, ...headOf(tables) }
    })
  })

/** From the oldest up to the first that is to be kept. */
const prune = ({ run }: Tables, cutoff: number, limit: number): number =>
  run(
    `delete from events where position in (select position from events
       where position < coalesce((select position from events where at >= ? order by position limit 1), 1e18)
       order by position limit ?)`,
    ...[cutoff, limit]
  )

export const events = Effect.map(Sqlite, (sqlite) =>
  Events.of({
    place: (most) => place(sqlite, most),
    written: sqlite.written,
    head: sqlite.read("Events.head", headOf),
    read: (after, filter, limit) => sqlite.read("Events.read", (tables) => read(tables, after, filter, limit)),
    // `written` reports it of this process, and SQLite reports nothing of others: their events are found at the next reading.
    newest: Stream.never,
    prune: (keepDays, limit) =>
      sqlite.write("Events.prune", (tables, now) => {
        if (keepDays < 1 || limit < 1) throw new Error("events are kept for a day at least")
        return prune(tables, millisOf(now) - keepDays * DAY_MS, limit)
      }),
    // SQLite cannot see that an older copy of the file was put back. Renew the log then.
    renew: sqlite.write("Events.renew", (tables) => {
      tables.run("update store set log = lower(hex(randomblob(8)))")
      return headOf(tables)
    })
  })
)
