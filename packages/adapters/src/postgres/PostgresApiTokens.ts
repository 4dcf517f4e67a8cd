/** The API tokens in PostgreSQL. */
import {
  API_TOKENS_MAX,
  type ApiToken,
  ApiTokenId,
  ApiTokens,
  BroadcasterId,
  LAST_USED_STEP_MS,
  Scope
} from "@greenroom/core"
import { Array as Arr, Effect, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { At, dateOf, limitTo, MaybeAt, onPage, pageOf, rowsAtOf, rowsOf } from "./rows.ts"

const TokenRow = Schema.Struct({
  id: ApiTokenId,
  name: Schema.String,
  scopes: Schema.Array(Scope),
  broadcaster_id: Schema.NullOr(BroadcasterId),
  created_at: At,
  expires_at: MaybeAt,
  last_used_at: MaybeAt
})

const columns = "t.id, t.name, t.scopes, t.broadcaster_id, t.created_at, t.expires_at, t.last_used_at"

const tokenOf = (row: typeof TokenRow.Type): ApiToken => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  broadcasterId: row.broadcaster_id,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at
})

const rows = rowsOf(TokenRow)
const rowsAt = rowsAtOf(TokenRow)
const createAnswer = rowsOf(Schema.Struct({ known: Schema.Boolean, past: Schema.Boolean }))
const changeAnswer = rowsOf(Schema.Struct({ past: Schema.Boolean }))

export const make: Effect.Effect<ApiTokens["Service"], never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names

  /** Tokens are few, and are created rarely: a lock keeps their number within its bound. */
  const create: ApiTokens["Service"]["create"] = Effect.fn("ApiTokens.create")(function* (token) {
    const scopes = [...token.scopes]
    const answer = yield* database.run("ApiTokens.create", (sql) =>
      sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`select pg_advisory_xact_lock(hashtextextended('greenroom.api_tokens', 0))`
          return yield* sql`
            with facts as materialized (
              select clock_timestamp() as now, ${token.broadcasterId}::uuid is null or exists (
                select from ${n.broadcasters} where id = ${token.broadcasterId}::uuid and deleted_at is null
              ) as known
            ), t as (
              insert into ${n.api_tokens} as t (id, hash, name, scopes, broadcaster_id, created_at, expires_at)
              select ${token.id}::uuid, ${token.hash}::bytea, ${token.name}::text, ${scopes}::text[], ${token.broadcasterId}::uuid, now,
                ${dateOf(token.expiresAt)}::timestamptz
              from facts
              where known and coalesce(${dateOf(token.expiresAt)}::timestamptz > now, true)
                and (select count(*) from ${n.api_tokens}) < ${API_TOKENS_MAX}::integer
              returning t.*
            )
            select f.known, coalesce(${dateOf(token.expiresAt)}::timestamptz <= f.now, false) as past, ${sql.literal(columns)}
            from facts f left join t on true`
        })
      )
    )
    const [created] = rows(answer.filter(({ id }) => id !== null))
    if (created !== undefined) return { _tag: "Created", token: tokenOf(created) }
    const [why] = createAnswer(answer)
    return { _tag: why?.known !== true ? "UnknownBroadcaster" : why.past ? "ExpiryInPast" : "TooMany" }
  })

  const authenticated = (hash: Uint8Array | null, id: string | null) =>
    database
      .run(
        "ApiTokens.authenticate",
        (sql) => sql`
          select ${sql.literal(columns)}
          from ${n.authenticate_api_token}(${hash}::bytea, ${id}::uuid, ${LAST_USED_STEP_MS}::integer) t`
      )
      .pipe(Effect.map((found) => Arr.head(rows(found).map(tokenOf))))

  const find: ApiTokens["Service"]["find"] = Effect.fn("ApiTokens.find")(function* (id) {
    const found = yield* database.run(
      "ApiTokens.find",
      (sql) => sql`select ${sql.literal(columns)} from ${n.api_tokens} t where t.id = ${id}`
    )
    return Arr.head(rows(found).map(tokenOf))
  })

  const list: ApiTokens["Service"]["list"] = Effect.fn("ApiTokens.list")(function* ({ broadcasterId }, page) {
    const found = yield* database.run("ApiTokens.list", (sql) => {
      const ofBroadcaster = broadcasterId === undefined ? sql`true` : sql`t.broadcaster_id = ${broadcasterId}::uuid`
      return sql`
        select c.now, t.*
        from (select clock_timestamp()::timestamptz(3) as now) c
        left join lateral (
          select ${sql.literal(columns)} from ${n.api_tokens} t
          where ${ofBroadcaster} and ${onPage(sql, "t.created_at, t.id", page)}
          order by t.created_at desc, t.id desc
          ${limitTo(sql, page)}
        ) t on true
        order by t.created_at desc, t.id desc`
    })
    const { now, items } = rowsAt(found)
    return pageOf(page, now, items.map(tokenOf), (item) => ({ at: item.createdAt, id: item.id }))
  })

  const change: ApiTokens["Service"]["change"] = Effect.fn("ApiTokens.change")(function* (id, changes) {
    const expiresAt = dateOf(changes.expiresAt ?? null)
    const scopes = changes.scopes === undefined ? null : [...changes.scopes]
    const answer = yield* database.run(
      "ApiTokens.change",
      (sql) => sql`
        with target as materialized (
          select id, clock_timestamp() as now from ${n.api_tokens} where id = ${id} for no key update
        ), t as (
          update ${n.api_tokens} t set
            name = coalesce(${changes.name ?? null}::text, t.name),
            scopes = coalesce(${scopes}::text[], t.scopes),
            expires_at = case when ${changes.expiresAt !== undefined} then ${expiresAt}::timestamptz else t.expires_at end
          from target where t.id = target.id and coalesce(${expiresAt}::timestamptz > target.now, true)
          returning t.*
        )
        select coalesce(${expiresAt}::timestamptz <= target.now, false) as past, ${sql.literal(columns)}
        from target left join t on true`
    )
    const [changed] = rows(answer.filter((row) => row.id !== null))
    if (changed !== undefined) return { _tag: "Changed", token: tokenOf(changed) }
    return { _tag: changeAnswer(answer).length === 0 ? "NotFound" : "ExpiryInPast" }
  })

  const remove: ApiTokens["Service"]["remove"] = Effect.fn("ApiTokens.remove")(function* (id) {
    const removed = yield* database.run(
      "ApiTokens.remove",
      (sql) => sql`delete from ${n.api_tokens} where id = ${id} returning id`
    )
    return removed.length > 0
  })

  return ApiTokens.of({
    create,
    authenticate: (hash) => authenticated(hash, null),
    authenticateId: (id) => authenticated(null, id),
    find,
    list,
    change,
    remove
  })
})
