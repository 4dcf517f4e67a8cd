/** The broadcasters. */
import { type Broadcaster, type BroadcasterId, Broadcasters } from "@greenroom/core"
import { Effect, Option } from "effect"
import { dateOf, millisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

export interface BroadcasterRow {
  readonly id: string
  readonly display_name: string
  readonly contact: string | null
  readonly metadata: string
  readonly created_at: number
  readonly updated_at: number
  readonly version: number
}

export const broadcasterOf = (row: BroadcasterRow): Broadcaster => ({
  id: row.id as BroadcasterId,
  displayName: row.display_name,
  contact: row.contact,
  metadata: JSON.parse(row.metadata),
  createdAt: dateOf(row.created_at),
  updatedAt: dateOf(row.updated_at)
})

const find = ({ one }: Tables, id: BroadcasterId): Option.Option<Broadcaster> =>
  Option.map(
    Option.fromNullishOr(one<BroadcasterRow>("select * from broadcasters where id = ? and deleted_at is null", id)),
    broadcasterOf
  )

export const broadcasters = Effect.map(Sqlite, ({ read, write }) =>
  Broadcasters.of({
    create: (id, { displayName, contact, metadata }) =>
      write("Broadcasters.create", (tables, at) => {
        const now = millisOf(at)
        tables.run(
          `insert into broadcasters (id, display_name, contact, metadata, created_at, updated_at, version)
           values (?, ?, ?, ?, ?, ?, ?)`,
          ...[id, displayName, contact, JSON.stringify(metadata), now, now, tables.version]
        )
        return Option.getOrThrow(find(tables, id))
      }),
    find: (id) => read("Broadcasters.find", (tables) => find(tables, id)),
    list: (page) =>
      read("Broadcasters.list", ({ all }, now) => {
        const { sql, values } = pageClause("created_at", "id", page)
        const rows = all<BroadcasterRow>(`select * from broadcasters where deleted_at is null ${sql}`, ...values)
        return pageOf(page, now, rows.map(broadcasterOf), ({ createdAt, id }) => ({ at: createdAt, id }))
      }),
    change: (id, fields) =>
      write("Broadcasters.change", (tables, now) =>
        Option.map(find(tables, id), (old) => {
          const { displayName, contact, metadata } = { ...old, ...fields }
          tables.run(
            "update broadcasters set display_name = ?, contact = ?, metadata = ?, updated_at = ?, version = ? where id = ?",
            ...[displayName, contact, JSON.stringify(metadata), millisOf(now), tables.version, id]
          )
          return Option.getOrThrow(find(tables, id))
        })
      ),
    remove: (id) =>
      write("Broadcasters.remove", ({ run }, at) => {
        const now = millisOf(at)
        if (run("update broadcasters set deleted_at = ? where id = ? and deleted_at is null", now, id) === 0)
          return false
        run("update stream_keys set revoked_at = ? where broadcaster_id = ? and revoked_at is null", now, id)
        return true
      })
  })
)
