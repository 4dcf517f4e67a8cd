/** The API tokens. */
import {
  API_TOKENS_MAX,
  type ApiToken,
  type ApiTokenId,
  ApiTokens,
  type BroadcasterId,
  type ChangeTokenOutcome,
  type CreateTokenOutcome,
  hasExpired,
  LAST_USED_STEP_MS,
  type Scope
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { dateOf, maybeDateOf, maybeMillisOf, millisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

interface TokenRow {
  readonly id: string
  readonly name: string
  readonly scopes: string
  readonly broadcaster_id: string | null
  readonly created_at: number
  readonly expires_at: number | null
  readonly last_used_at: number | null
}

const columns = "id, name, scopes, broadcaster_id, created_at, expires_at, last_used_at"

const tokenOf = (row: TokenRow): ApiToken => ({
  id: row.id as ApiTokenId,
  name: row.name,
  scopes: JSON.parse(row.scopes) as ReadonlyArray<Scope>,
  broadcasterId: row.broadcaster_id as BroadcasterId | null,
  createdAt: dateOf(row.created_at),
  expiresAt: maybeDateOf(row.expires_at),
  lastUsedAt: maybeDateOf(row.last_used_at)
})

const find = ({ one }: Tables, id: string): Option.Option<ApiToken> =>
  Option.map(Option.fromNullishOr(one<TokenRow>(`select ${columns} from api_tokens where id = ?`, id)), tokenOf)

const isDeleted = ({ one }: Tables, broadcasterId: string | null): boolean =>
  broadcasterId !== null &&
  one("select id from broadcasters where id = ? and deleted_at is null", broadcasterId) === null

/** Records the use at most once a minute. */
const authenticate = (tables: Tables, found: TokenRow | null, now: DateTime.Utc): Option.Option<ApiToken> => {
  if (found === null || isDeleted(tables, found.broadcaster_id) || hasExpired(tokenOf(found), now)) return Option.none()
  const { id, last_used_at } = found
  const at = millisOf(now)
  if (last_used_at !== null && at - last_used_at < LAST_USED_STEP_MS) return Option.some(tokenOf(found))
  tables.run("update api_tokens set last_used_at = ? where id = ?", at, id)
  return find(tables, id)
}

export const apiTokens = Effect.map(Sqlite, ({ read, write }) =>
  ApiTokens.of({
    create: (token) =>
      write("ApiTokens.create", (tables, now): CreateTokenOutcome => {
        if (isDeleted(tables, token.broadcasterId)) return { _tag: "UnknownBroadcaster" }
        if (hasExpired(token, now)) return { _tag: "ExpiryInPast" }
        const { count } = tables.one<{ readonly count: number }>("select count(*) as count from api_tokens")!
        if (count >= API_TOKENS_MAX) return { _tag: "TooMany" }
        tables.run(
          "insert into api_tokens (id, hash, name, scopes, broadcaster_id, created_at, expires_at) values (?, ?, ?, ?, ?, ?, ?)",
          ...[token.id, token.hash, token.name, JSON.stringify(token.scopes), token.broadcasterId],
          ...[millisOf(now), maybeMillisOf(token.expiresAt)]
        )
        return { _tag: "Created", token: Option.getOrThrow(find(tables, token.id)) }
      }),
    authenticate: (hash) =>
      write("ApiTokens.authenticate", (tables, now) =>
        authenticate(tables, tables.one<TokenRow>(`select ${columns} from api_tokens where hash = ?`, hash), now)
      ),
    authenticateId: (id) =>
      write("ApiTokens.authenticate", (tables, now) =>
        authenticate(tables, tables.one<TokenRow>(`select ${columns} from api_tokens where id = ?`, id), now)
      ),
    find: (id) => read("ApiTokens.find", (tables) => find(tables, id)),
    list: ({ broadcasterId = null }, page) =>
      read("ApiTokens.list", ({ all }, now) => {
        const { sql, values } = pageClause("created_at", "id", page)
        const rows = all<TokenRow>(
          `select ${columns} from api_tokens where (? is null or broadcaster_id = ?) ${sql}`,
          ...[broadcasterId, broadcasterId, ...values]
        )
        return pageOf(page, now, rows.map(tokenOf), ({ createdAt, id }) => ({ at: createdAt, id }))
      }),
    change: (id, changes) =>
      write("ApiTokens.change", (tables, now): ChangeTokenOutcome => {
        const old = Option.getOrNull(find(tables, id))
        if (old === null) return { _tag: "NotFound" }
        if (changes.expiresAt !== undefined && hasExpired({ expiresAt: changes.expiresAt }, now))
          return { _tag: "ExpiryInPast" }
        const { name, scopes, expiresAt } = { ...old, ...changes }
        tables.run(
          "update api_tokens set name = ?, scopes = ?, expires_at = ? where id = ?",
          ...[name, JSON.stringify(scopes), maybeMillisOf(expiresAt), id]
        )
        return { _tag: "Changed", token: Option.getOrThrow(find(tables, id)) }
      }),
    remove: (id) => write("ApiTokens.remove", ({ run }) => run("delete from api_tokens where id = ?", id) > 0)
  })
)
