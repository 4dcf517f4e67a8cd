/** The broadcasters in PostgreSQL. Deletion marks the row, because the history refers to it. */
import { type Broadcaster, BroadcasterId, Broadcasters, ExternalIdTaken } from "@greenroom/core"
import { Array as Arr, Effect, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { isUniqueViolation } from "./outcome.ts"
import {
  At,
  JsonObject,
  limitTo,
  MaybeExternalId,
  MaybePlayback,
  MaybeText,
  onPage,
  pageOf,
  rowsAtOf,
  rowsOf,
  WholeNumber
} from "./rows.ts"

export const BroadcasterRow = Schema.Struct({
  id: BroadcasterId,
  external_id: MaybeExternalId,
  display_name: Schema.String,
  contact: MaybeText,
  metadata: JsonObject,
  playback: MaybePlayback,
  created_at: At,
  updated_at: At
})

export const broadcaster = (row: typeof BroadcasterRow.Type): Broadcaster => ({
  id: row.id,
  externalId: row.external_id,
  displayName: row.display_name,
  contact: row.contact,
  metadata: row.metadata,
  playback: row.playback,
  createdAt: row.created_at,
  updatedAt: row.updated_at
})

const columns = "id, external_id, display_name, contact, metadata, playback, created_at, updated_at"

const rows = rowsOf(BroadcasterRow)
const totals = rowsOf(Schema.Struct({ total: WholeNumber }))
const rowsAt = rowsAtOf(BroadcasterRow)

/** No other unique index of the table covers a column that callers choose. */
const taken = (externalId: string | null) => Effect.fail(new ExternalIdTaken({ externalId: externalId ?? "" }))

export const make: Effect.Effect<Broadcasters["Service"], never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names

  const create: Broadcasters["Service"]["create"] = Effect.fn("Broadcasters.create")(function* (id, fields) {
    const externalId = fields.externalId ?? null
    const created = yield* database.runWriting(
      "Broadcasters.create",
      (sql) => sql`
        with clock as materialized (select clock_timestamp() as now)
        insert into ${n.broadcasters} (${sql.literal(columns)})
        select ${id}, ${externalId}, ${fields.displayName}, ${fields.contact}, ${sql.json(fields.metadata)},
          ${fields.playback ?? null}, now, now from clock
        on conflict (external_id) where deleted_at is null do nothing
        returning ${sql.literal(columns)}`
    )
    const [row] = rows(created)
    return row === undefined ? yield* taken(externalId) : broadcaster(row)
  })

  /** Most calls change nothing: they only read. The second statement is right without the first. */
  const upsert: Broadcasters["Service"]["upsert"] = Effect.fn("Broadcasters.upsert")(
    function* (id, externalId, fields) {
      const { displayName, contact, metadata, playback } = fields
      const unchanged = yield* database.runWriting(
        "Broadcasters.upsert",
        (sql) => sql`
        select ${sql.literal(columns)} from ${n.broadcasters}
        where external_id = ${externalId} and deleted_at is null and display_name = ${displayName}
          and ${contact === undefined ? sql`true` : sql`contact is not distinct from ${contact}`}
          and ${playback === undefined ? sql`true` : sql`playback is not distinct from ${playback}::text`}
          and ${metadata === undefined ? sql`true` : sql`metadata = ${sql.json(metadata)}`}`
      )
      if (unchanged.length > 0) return broadcaster(rows(unchanged)[0]!)
      const written = yield* database.runWriting("Broadcasters.upsert", (sql) => {
        const newContact = contact === undefined ? sql`b.contact` : sql`excluded.contact`
        const newPlayback = playback === undefined ? sql`b.playback` : sql`excluded.playback`
        const newMetadata = metadata === undefined ? sql`b.metadata` : sql`excluded.metadata`
        return sql`
        with clock as materialized (select clock_timestamp() as now)
        insert into ${n.broadcasters} as b (${sql.literal(columns)})
        select ${id}, ${externalId}, ${displayName}, ${contact ?? null}, ${sql.json(metadata ?? {})}, ${playback ?? null}, now, now from clock
        on conflict (external_id) where deleted_at is null do update set
          display_name = excluded.display_name, contact = ${newContact}, metadata = ${newMetadata}, playback = ${newPlayback},
          updated_at = case
            when (b.display_name, b.contact, b.metadata, b.playback)
              is distinct from (excluded.display_name, ${newContact}, ${newMetadata}, ${newPlayback})
            then clock_timestamp() else b.updated_at
          end
        returning ${sql.literal(columns)}`
      })
      return broadcaster(rows(written)[0]!)
    }
  )

  const find: Broadcasters["Service"]["find"] = Effect.fn("Broadcasters.find")(function* (id) {
    const found = yield* database.run(
      "Broadcasters.find",
      (sql) => sql`
        select ${sql.literal(columns)} from ${n.broadcasters} where id = ${id} and deleted_at is null`
    )
    return Arr.head(rows(found).map(broadcaster))
  })

  const findByExternalId: Broadcasters["Service"]["findByExternalId"] = Effect.fn("Broadcasters.findByExternalId")(
    function* (externalId) {
      const found = yield* database.run(
        "Broadcasters.findByExternalId",
        (sql) => sql`
          select ${sql.literal(columns)} from ${n.broadcasters} where external_id = ${externalId} and deleted_at is null`
      )
      return Arr.head(rows(found).map(broadcaster))
    }
  )

  const list: Broadcasters["Service"]["list"] = Effect.fn("Broadcasters.list")(function* (page) {
    const found = yield* database.run(
      "Broadcasters.list",
      (sql) => sql`
        select t.now, b.*
        from (select clock_timestamp()::timestamptz(3) as now) t
        left join lateral (
          select ${sql.literal(columns)} from ${n.broadcasters}
          where deleted_at is null and ${onPage(sql, "created_at, id", page)}
          order by created_at desc, id desc
          ${limitTo(sql, page)}
        ) b on true
        order by b.created_at desc, b.id desc`
    )
    const { now, items } = rowsAt(found)
    return pageOf(page, now, items.map(broadcaster), (item) => ({ at: item.createdAt, id: item.id }))
  })

  const count: Broadcasters["Service"]["count"] = database
    .run("Broadcasters.count", (sql) => sql`select count(*) as total from ${n.broadcasters} where deleted_at is null`)
    .pipe(
      Effect.map((counted) => totals(counted)[0]!.total),
      Effect.withSpan("Broadcasters.count")
    )

  const change: Broadcasters["Service"]["change"] = Effect.fn("Broadcasters.change")(function* (id, fields) {
    const { externalId = null } = fields
    const written = database.runWriting(
      "Broadcasters.change",
      (sql) => sql`
        update ${n.broadcasters} set
          external_id = case when ${fields.externalId !== undefined} then ${externalId} else external_id end,
          display_name = coalesce(${fields.displayName ?? null}, display_name),
          contact = case when ${fields.contact !== undefined} then ${fields.contact ?? null} else contact end,
          metadata = coalesce(${fields.metadata === undefined ? null : sql.json(fields.metadata)}, metadata),
          playback = case when ${fields.playback !== undefined} then ${fields.playback ?? null} else playback end,
          updated_at = clock_timestamp()
        where id = ${id} and deleted_at is null
        returning ${sql.literal(columns)}`
    )
    // Outside of `run`: behind a pooler the statement stands in a transaction, which its failure aborts.
    const changed = yield* Effect.catchIf(written, isUniqueViolation, () => Effect.succeed(null))
    return changed === null ? yield* taken(externalId) : Arr.head(rows(changed).map(broadcaster))
  })

  // Two statements: only a newer snapshot shows the keys that were issued while the first statement waited for the broadcaster's row.
  const remove: Broadcasters["Service"]["remove"] = Effect.fn("Broadcasters.remove")(function* (id) {
    return yield* database.runWriting("Broadcasters.remove", (sql) =>
      sql.withTransaction(
        Effect.gen(function* () {
          const removed = yield* sql`
            update ${n.broadcasters} set deleted_at = clock_timestamp() where id = ${id} and deleted_at is null returning id`
          if (removed.length === 0) return false
          yield* sql`
            with mine as (
              select id from ${n.stream_keys} where broadcaster_id = ${id} and revoked_at is null order by id for no key update
            )
            update ${n.stream_keys} k set revoked_at = least(k.revokes_at, clock_timestamp()) from mine where k.id = mine.id`
          return true
        })
      )
    )
  })

  return Broadcasters.of({ create, upsert, find, findByExternalId, list, count, change, remove })
})
