/** The keys of playback tokens in PostgreSQL. Changes are rare, and one lock puts them in a row. A change and its events are one transaction. */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  APPLICATION_KEYS_MAX,
  type OwnSigningKey,
  SIGNING_KEY_ID_KEPT_DAYS,
  type SigningKey,
  SigningKeyId,
  SigningKeys,
  type signingKeyEventNames,
  tokenIssuers
} from "@greenroom/core"
import { Array as Arr, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type Database, GeneralDatabase } from "./Database.ts"
import type { Names } from "./names.ts"
import { At, MaybeAt, type Row, rowsOf } from "./rows.ts"

type Port = SigningKeys["Service"]

const KeyRow = Schema.Struct({
  id: SigningKeyId,
  issuer: Schema.Literals(tokenIssuers),
  public_key: Schema.String,
  created_at: At,
  verifies_until: MaybeAt
})
const columns = "id, issuer, public_key, created_at, verifies_until"

const keyOf = (row: typeof KeyRow.Type): SigningKey => ({
  id: row.id,
  issuer: row.issuer,
  publicKey: row.public_key,
  createdAt: row.created_at,
  verifiesUntil: row.verifies_until
})

const rows = rowsOf(KeyRow)
const ownRows = rowsOf(Schema.Struct({ id: SigningKeyId, public_key: Schema.String, private_key: Schema.Uint8Array }))
const ownKeys = (found: ReadonlyArray<Row>): ReadonlyArray<OwnSigningKey> =>
  ownRows(found).map(({ id, public_key, private_key }) => ({ id, publicKey: public_key, privateKey: private_key }))

const verifies = "removed_at is null and (verifies_until is null or verifies_until > clock_timestamp())"

/** The one that signs has its private half. */
const signingIn = (sql: PgClient, n: Names) =>
  sql`select id, public_key, private_key from ${n.signing_keys} where issuer = 'greenroom' and private_key is not null`

const log = (sql: PgClient, n: Names, type: (typeof signingKeyEventNames)[number], changed: ReadonlyArray<Row>) =>
  Effect.forEach(
    rows(changed),
    ({ id, issuer }) => sql`
      insert into ${n.event_log} (type, at, subject, data)
      values (${type}, clock_timestamp(), ${`signing_key:${id}`}, ${sql.json({ id, issuer })})`,
    { discard: true }
  )

const insert = Effect.fnUntraced(function* (
  sql: PgClient,
  n: Names,
  key: Pick<SigningKey, "id" | "issuer" | "publicKey"> & { readonly privateKey: Uint8Array | null }
) {
  const inserted = yield* sql`
    insert into ${n.signing_keys} (id, issuer, public_key, private_key, created_at)
    values (${key.id}, ${key.issuer}, ${key.publicKey}, ${key.privateKey}, clock_timestamp())
    returning ${sql.literal(columns)}`
  yield* log(sql, n, "signing_key.created", inserted)
  return inserted
})

/** Forgets keys, and with them their ids, once no token can name them any more. */
const forget = (sql: PgClient, n: Names) => sql`
  delete from ${n.signing_keys} k
  where coalesce(k.removed_at, k.verifies_until) <= clock_timestamp() - ${SIGNING_KEY_ID_KEPT_DAYS}::integer * interval '24 hours'
    and not exists (select from ${n.playback_tokens} t where t.signing_key_id = k.id)`

/** One transaction, in a row with every other change. */
const changing = <A>(database: Database, operation: string, use: (sql: PgClient) => Effect.Effect<A, SqlError>) =>
  database.runWriting(operation, (sql) =>
    sql.withTransaction(
      Effect.andThen(sql`select pg_advisory_xact_lock(hashtextextended('greenroom.signing_keys', 0))`, use(sql))
    )
  )

export const make: Effect.Effect<Port, never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names

  const list: Port["list"] = database
    .run(
      "SigningKeys.list",
      (sql) => sql`
        select ${sql.literal(columns)} from ${n.signing_keys} where ${sql.literal(verifies)} order by created_at desc, id desc`
    )
    .pipe(
      Effect.map((found) => rows(found).map(keyOf)),
      Effect.withSpan("SigningKeys.list")
    )

  const signing: Port["signing"] = database
    .run("SigningKeys.signing", (sql) => signingIn(sql, n))
    .pipe(
      Effect.map((found) => Arr.head(ownKeys(found))),
      Effect.withSpan("SigningKeys.signing")
    )

  const ensure: Port["ensure"] = Effect.fn("SigningKeys.ensure")(function* (key) {
    const found = yield* changing(
      database,
      "SigningKeys.ensure",
      Effect.fnUntraced(function* (sql) {
        const before = yield* signingIn(sql, n)
        if (before.length > 0) return before
        yield* forget(sql, n)
        yield* insert(sql, n, { ...key, issuer: "greenroom" })
        return yield* signingIn(sql, n)
      })
    )
    return ownKeys(found)[0]!
  })

  const rotate: Port["rotate"] = Effect.fn("SigningKeys.rotate")(function* (key, overlapSeconds) {
    const inserted = yield* changing(
      database,
      "SigningKeys.rotate",
      Effect.fnUntraced(function* (sql) {
        yield* forget(sql, n)
        const rotated = yield* sql`
          update ${n.signing_keys} set private_key = null,
            verifies_until = clock_timestamp() + ${overlapSeconds}::float8 * interval '1 second'
          where issuer = 'greenroom' and private_key is not null
          returning ${sql.literal(columns)}`
        yield* log(sql, n, "signing_key.rotated", rotated)
        return yield* insert(sql, n, { ...key, issuer: "greenroom" })
      })
    )
    return rows(inserted).map(keyOf)[0]!
  })

  const add: Port["add"] = Effect.fn("SigningKeys.add")(function* (key) {
    const outcome = yield* changing(
      database,
      "SigningKeys.add",
      Effect.fnUntraced(function* (sql) {
        yield* forget(sql, n)
        const taken = yield* sql`select id from ${n.signing_keys} where id = ${key.id}`
        if (taken.length > 0) return "IdTaken" as const
        const there = yield* sql`select id from ${n.signing_keys} where issuer = 'application' and removed_at is null`
        if (there.length >= APPLICATION_KEYS_MAX) return "TooMany" as const
        return yield* insert(sql, n, { ...key, issuer: "application", privateKey: null })
      })
    )
    return typeof outcome === "string" ? { _tag: outcome } : { _tag: "Added", key: rows(outcome).map(keyOf)[0]! }
  })

  const remove: Port["remove"] = Effect.fn("SigningKeys.remove")(function* (id) {
    const removed = yield* changing(
      database,
      "SigningKeys.remove",
      Effect.fnUntraced(function* (sql) {
        const removed = yield* sql`
          update ${n.signing_keys} set removed_at = clock_timestamp()
          where id = ${id} and private_key is null and ${sql.literal(verifies)}
          returning ${sql.literal(columns)}`
        yield* log(sql, n, "signing_key.removed", removed)
        return removed
      })
    )
    return removed.length > 0
  })

  return SigningKeys.of({ list, signing, ensure, rotate, add, remove })
})
