/** The keys of playback tokens. */
import {
  type AddKeyOutcome,
  APPLICATION_KEYS_MAX,
  type OwnSigningKey,
  SIGNING_KEY_ID_KEPT_DAYS,
  type SigningKey,
  type SigningKeyId,
  SigningKeys,
  type signingKeyEventNames,
  type TokenIssuer
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { writeLogged } from "./eventWrites.ts"
import { DAY_MS, dateOf, maybeDateOf, millisOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

interface KeyRow {
  readonly id: string
  readonly issuer: string
  readonly public_key: string
  readonly private_key: Uint8Array | null
  readonly created_at: number
  readonly verifies_until: number | null
}

const keyOf = (row: KeyRow): SigningKey => ({
  id: row.id as SigningKeyId,
  issuer: row.issuer as TokenIssuer,
  publicKey: row.public_key,
  createdAt: dateOf(row.created_at),
  verifiesUntil: maybeDateOf(row.verifies_until)
})

/** The one that signs has its private half. */
const signing = ({ one }: Tables): OwnSigningKey | null => {
  const row = one<KeyRow>("select * from signing_keys where issuer = 'greenroom' and private_key is not null")
  return row === null || row.private_key === null
    ? null
    : { id: row.id as SigningKeyId, publicKey: row.public_key, privateKey: row.private_key }
}

const log = (
  tables: Tables,
  type: (typeof signingKeyEventNames)[number],
  { id, issuer }: Pick<KeyRow, "id" | "issuer">,
  now: DateTime.Utc
): void => writeLogged(tables, { type, subject: `signing_key:${id}` }, { id, issuer }, now)

/** Forgets keys, and with them their ids, once no token can name them any more. */
const forget = ({ run }: Tables, now: DateTime.Utc): void => {
  run(
    `delete from signing_keys where coalesce(removed_at, verifies_until) <= ?
       and not exists (select 1 from playback_tokens where signing_key_id = signing_keys.id)`,
    millisOf(now) - SIGNING_KEY_ID_KEPT_DAYS * DAY_MS
  )
}

const insert = (
  tables: Tables,
  { id, publicKey }: Pick<SigningKey, "id" | "publicKey">,
  privateKey: Uint8Array | null,
  now: DateTime.Utc
): SigningKey => {
  const issuer = privateKey === null ? "application" : "greenroom"
  const row = tables.one<KeyRow>(
    "insert into signing_keys (id, issuer, public_key, private_key, created_at) values (?, ?, ?, ?, ?) returning *",
    ...[id, issuer, publicKey, privateKey, millisOf(now)]
  )!
  log(tables, "signing_key.created", row, now)
  return keyOf(row)
}

const rotate = (tables: Tables, key: OwnSigningKey, overlapSeconds: number, now: DateTime.Utc): SigningKey => {
  forget(tables, now)
  const before = signing(tables)
  if (before !== null) {
    tables.run(
      "update signing_keys set private_key = null, verifies_until = ? where id = ?",
      ...[millisOf(now) + overlapSeconds * 1_000, before.id]
    )
    log(tables, "signing_key.rotated", { id: before.id, issuer: "greenroom" }, now)
  }
  return insert(tables, key, key.privateKey, now)
}

const add = (tables: Tables, key: Pick<SigningKey, "id" | "publicKey">, now: DateTime.Utc): AddKeyOutcome => {
  forget(tables, now)
  if (tables.one("select id from signing_keys where id = ?", key.id) !== null) return { _tag: "IdTaken" }
  const there = tables.all("select id from signing_keys where issuer = 'application' and removed_at is null")
  return there.length >= APPLICATION_KEYS_MAX
    ? { _tag: "TooMany" }
    : { _tag: "Added", key: insert(tables, key, null, now) }
}

const VERIFIES = "removed_at is null and (verifies_until is null or verifies_until > ?)"

export const signingKeys = Effect.map(Sqlite, ({ read, write }) =>
  SigningKeys.of({
    list: read("SigningKeys.list", ({ all }, now) =>
      all<KeyRow>(`select * from signing_keys where ${VERIFIES} order by created_at desc, id desc`, millisOf(now)).map(
        keyOf
      )
    ),
    signing: read("SigningKeys.signing", (tables) => Option.fromNullishOr(signing(tables))),
    ensure: (key) =>
      write("SigningKeys.ensure", (tables, now) => {
        const before = signing(tables)
        if (before !== null) return before
        forget(tables, now)
        insert(tables, key, key.privateKey, now)
        return signing(tables)!
      }),
    rotate: (key, overlapSeconds) =>
      write("SigningKeys.rotate", (tables, now) => rotate(tables, key, overlapSeconds, now)),
    add: (key) => write("SigningKeys.add", (tables, now) => add(tables, key, now)),
    remove: (id) =>
      write("SigningKeys.remove", (tables, now) => {
        const removed = tables.one<KeyRow>(
          `update signing_keys set removed_at = ?1 where id = ?2 and private_key is null and ${VERIFIES.replace("?", "?1")} returning *`,
          ...[millisOf(now), id]
        )
        if (removed !== null) log(tables, "signing_key.removed", removed, now)
        return removed !== null
      })
  })
)
