/** The broadcasters. */
import { isDeepStrictEqual } from "node:util"
import {
  type Broadcaster,
  type BroadcasterFields,
  type BroadcasterId,
  Broadcasters,
  type ExternalId,
  ExternalIdTaken,
  type PlaybackPolicy,
  type StoreUnavailable
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { dateOf, millisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

export interface BroadcasterRow {
  readonly id: string
  readonly external_id: string | null
  readonly display_name: string
  readonly contact: string | null
  readonly metadata: string
  readonly playback: string | null
  readonly created_at: number
  readonly updated_at: number
  readonly version: number
}

export const broadcasterOf = (row: BroadcasterRow): Broadcaster => ({
  id: row.id as BroadcasterId,
  externalId: row.external_id as ExternalId | null,
  displayName: row.display_name,
  contact: row.contact,
  metadata: JSON.parse(row.metadata),
  playback: row.playback as PlaybackPolicy | null,
  createdAt: dateOf(row.created_at),
  updatedAt: dateOf(row.updated_at)
})

const findBy = ({ one }: Tables, column: "id" | "external_id", value: string): Option.Option<Broadcaster> =>
  Option.map(
    Option.fromNullishOr(
      one<BroadcasterRow>(`select * from broadcasters where ${column} = ? and deleted_at is null`, value)
    ),
    broadcasterOf
  )

const insert = (tables: Tables, id: BroadcasterId, fields: BroadcasterFields, at: DateTime.Utc): Broadcaster => {
  const { displayName, contact, metadata, playback = null, externalId = null } = fields
  const now = millisOf(at)
  tables.run(
    `insert into broadcasters (id, external_id, display_name, contact, metadata, playback, created_at, updated_at, version)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[id, externalId, displayName, contact, JSON.stringify(metadata), playback, now, now, tables.version]
  )
  return Option.getOrThrow(findBy(tables, "id", id))
}

const update = (tables: Tables, { id, ...fields }: Broadcaster, now: DateTime.Utc): Broadcaster => {
  const { displayName, contact, metadata, playback, externalId } = fields
  tables.run(
    `update broadcasters set external_id = ?, display_name = ?, contact = ?, metadata = ?, playback = ?, updated_at = ?, version = ?
     where id = ?`,
    ...[externalId, displayName, contact, JSON.stringify(metadata), playback, millisOf(now), tables.version, id]
  )
  return Option.getOrThrow(findBy(tables, "id", id))
}

/** The error, if another broadcaster has the external id. */
const takenByOther = (tables: Tables, externalId: string | null | undefined, id: BroadcasterId) =>
  externalId === null || externalId === undefined
    ? null
    : Option.match(findBy(tables, "external_id", externalId), {
        onNone: () => null,
        onSome: (owner) => (owner.id === id ? null : new ExternalIdTaken({ externalId }))
      })

/** The transaction may end with the error as its value: it has written nothing then. */
const orFail = <A>(
  outcome: Effect.Effect<A | ExternalIdTaken, StoreUnavailable>
): Effect.Effect<Exclude<A, ExternalIdTaken>, ExternalIdTaken | StoreUnavailable> =>
  Effect.flatMap(outcome, (value) =>
    value instanceof ExternalIdTaken ? Effect.fail(value) : Effect.succeed(value as Exclude<A, ExternalIdTaken>)
  )

export const broadcasters = Effect.map(Sqlite, ({ read, write }) =>
  Broadcasters.of({
    create: (id, fields) =>
      orFail(
        write(
          "Broadcasters.create",
          (tables, now) => takenByOther(tables, fields.externalId, id) ?? insert(tables, id, fields, now)
        )
      ),
    upsert: (id, externalId, fields) =>
      write("Broadcasters.upsert", (tables, now) =>
        Option.match(findBy(tables, "external_id", externalId), {
          onNone: () => insert(tables, id, { contact: null, metadata: {}, ...fields, externalId }, now),
          onSome: (old) => {
            const wanted = { ...old, ...fields }
            return isDeepStrictEqual(wanted, old) ? old : update(tables, wanted, now)
          }
        })
      ),
    find: (id) => read("Broadcasters.find", (tables) => findBy(tables, "id", id)),
    findByExternalId: (externalId) =>
      read("Broadcasters.findByExternalId", (tables) => findBy(tables, "external_id", externalId)),
    list: (page) =>
      read("Broadcasters.list", ({ all }, now) => {
        const { sql, values } = pageClause("created_at", "id", page)
        const rows = all<BroadcasterRow>(`select * from broadcasters where deleted_at is null ${sql}`, ...values)
        return pageOf(page, now, rows.map(broadcasterOf), ({ createdAt, id }) => ({ at: createdAt, id }))
      }),
    count: read("Broadcasters.count", ({ one }) => {
      const counted = one<{ readonly total: number }>(
        "select count(*) as total from broadcasters where deleted_at is null"
      )
      return counted?.total ?? 0
    }),
    change: (id, fields) =>
      orFail(
        write("Broadcasters.change", (tables, now) => {
          const old = findBy(tables, "id", id)
          if (Option.isNone(old)) return Option.none<Broadcaster>()
          return (
            takenByOther(tables, fields.externalId, id) ?? Option.some(update(tables, { ...old.value, ...fields }, now))
          )
        })
      ),
    remove: (id) =>
      write("Broadcasters.remove", ({ run }, at) => {
        const now = millisOf(at)
        if (run("update broadcasters set deleted_at = ? where id = ? and deleted_at is null", now, id) === 0)
          return false
        run(
          "update stream_keys set revoked_at = min(?1, coalesce(revokes_at, ?1)) where broadcaster_id = ?2 and revoked_at is null",
          now,
          id
        )
        return true
      })
  })
)
