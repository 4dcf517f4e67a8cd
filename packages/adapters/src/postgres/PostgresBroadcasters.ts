/** The broadcasters in PostgreSQL. Deletion marks the row, because the history refers to it. */
import { type Broadcaster, BroadcasterId, Broadcasters } from "@greenroom/core"
import { Array as Arr, Effect, Layer, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { At, JsonObject, limitTo, MaybeText, onPage, pageOf, rowsAtOf, rowsOf } from "./rows.ts"

export const BroadcasterRow = Schema.Struct({
  id: BroadcasterId,
  display_name: Schema.String,
  contact: MaybeText,
  metadata: JsonObject,
  created_at: At,
  updated_at: At
})

export const broadcaster = (row: typeof BroadcasterRow.Type): Broadcaster => ({
  id: row.id,
  displayName: row.display_name,
  contact: row.contact,
  metadata: row.metadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at
})

const rows = rowsOf(BroadcasterRow)
const rowsAt = rowsAtOf(BroadcasterRow)

const make = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names

  const create: Broadcasters["Service"]["create"] = Effect.fn("Broadcasters.create")(function* (id, fields) {
    const found = yield* database.run(
      "Broadcasters.create",
      (sql) => sql`
        with clock as materialized (select clock_timestamp() as now)
        insert into ${n.broadcasters} (id, display_name, contact, metadata, created_at, updated_at)
        select ${id}, ${fields.displayName}, ${fields.contact}, ${sql.json(fields.metadata)}, now, now from clock
        returning id, display_name, contact, metadata, created_at, updated_at`
    )
    return broadcaster(rows(found)[0]!)
  })

  const find: Broadcasters["Service"]["find"] = Effect.fn("Broadcasters.find")(function* (id) {
    const found = yield* database.run(
      "Broadcasters.find",
      (sql) => sql`
        select id, display_name, contact, metadata, created_at, updated_at
        from ${n.broadcasters} where id = ${id} and deleted_at is null`
    )
    return Arr.head(rows(found).map(broadcaster))
  })

  const list: Broadcasters["Service"]["list"] = Effect.fn("Broadcasters.list")(function* (page) {
    const found = yield* database.run(
      "Broadcasters.list",
      (sql) => sql`
        select t.now, b.*
        from (select clock_timestamp()::timestamptz(3) as now) t
        left join lateral (
          select id, display_name, contact, metadata, created_at, updated_at
          from ${n.broadcasters}
          where deleted_at is null and ${onPage(sql, "created_at, id", page)}
          order by created_at desc, id desc
          ${limitTo(sql, page)}
        ) b on true
        order by b.created_at desc, b.id desc`
    )
    const { now, items } = rowsAt(found)
    return pageOf(page, now, items.map(broadcaster), (item) => ({ at: item.createdAt, id: item.id }))
  })

  const change: Broadcasters["Service"]["change"] = Effect.fn("Broadcasters.change")(function* (id, fields) {
    const changed = yield* database.run(
      "Broadcasters.change",
      (sql) => sql`
        update ${n.broadcasters} set
          display_name = coalesce(${fields.displayName ?? null}, display_name),
          contact = case when ${fields.contact !== undefined} then ${fields.contact ?? null} else contact end,
          metadata = coalesce(${fields.metadata === undefined ? null : sql.json(fields.metadata)}, metadata),
          updated_at = clock_timestamp()
        where id = ${id} and deleted_at is null
        returning id, display_name, contact, metadata, created_at, updated_at`
    )
    return Arr.head(rows(changed).map(broadcaster))
  })

  // Two statements: only a newer snapshot shows the keys that were issued while the first statement waited for the broadcaster's row.
  const remove: Broadcasters["Service"]["remove"] = Effect.fn("Broadcasters.remove")(function* (id) {
    return yield* database.run("Broadcasters.remove", (sql) =>
      sql.withTransaction(
        Effect.gen(function* () {
          const removed = yield* sql`
            update ${n.broadcasters} set deleted_at = clock_timestamp() where id = ${id} and deleted_at is null returning id`
          if (removed.length === 0) return false
          yield* sql`
            with mine as (
              select id from ${n.stream_keys} where broadcaster_id = ${id} and revoked_at is null order by id for no key update
            )
            update ${n.stream_keys} k set revoked_at = clock_timestamp() from mine where k.id = mine.id`
          return true
        })
      )
    )
  })

  return Broadcasters.of({ create, find, list, change, remove })
})

export const layer: Layer.Layer<Broadcasters, never, GeneralDatabase> = Layer.effect(Broadcasters, make)
