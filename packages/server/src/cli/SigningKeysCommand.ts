/** `greenroom signing-keys …`: what playback tokens are signed and verified with. No private half is sent or printed. */
import { ROTATION_OVERLAP, SigningKeyId } from "@greenroom/core"
import { type DateTime, Effect, Option, Schema, SchemaIssue } from "effect"
import * as Command from "effect/cli/Command"
import { noUnknownFields } from "../http/api/Input.ts"
import { PublicJwk, type SigningKey } from "../http/api/SigningKeysApi.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { Span, spanMillis } from "./createKey.ts"
import { checkedArgument, checkedFlag, described, given } from "./flags.ts"
import { fields, moment, NOTHING, relative, table } from "./format.ts"
import { printAnswer } from "./output.ts"
import { program } from "./program.ts"
import { inputLines } from "./readSetting.ts"

type Shown = typeof SigningKey.Type

const EXAMPLE = "shop-2026"

const details = (key: Shown, now: DateTime.Utc): string =>
  fields([
    ["id", key.id],
    ["of", key.issuer],
    ["signs", key.signs ? "yes" : "no"],
    ["public key", key.publicKey.x],
    ["created", moment(key.createdAt, now)],
    ["verifies until", key.verifiesUntil === null ? "it is removed" : moment(key.verifiesUntil, now)]
  ])

const rows = (keys: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["ID", "OF", "SIGNS", "CREATED", "VERIFIES UNTIL", "PUBLIC KEY"],
    ...keys.map((key) => [
      key.id as string,
      key.issuer as string,
      key.signs ? "yes" : NOTHING,
      relative(key.createdAt, now),
      relative(key.verifiesUntil, now),
      key.publicKey.x
    ])
  ])

const list = Command.make("list", {}, () =>
  printAnswer(
    call(({ signing_keys }) => signing_keys.list({ responseMode: both })),
    ({ signing_keys }, now) =>
      signing_keys.length === 0
        ? "There are no signing keys yet: the service makes its own with its first playback token."
        : rows(signing_keys, now)
  )
).pipe(described("List the keys that playback tokens are verified with, newest first", ["greenroom signing-keys list"]))

const format = SchemaIssue.makeFormatterStandardSchemaV1()
const EXPECTED = "Expected the public half of an Ed25519 key as a JWK (kty, crv, x) on standard input"

const readJwk = Effect.gen(function* () {
  const text = (yield* inputLines).join("\n")
  const sent = yield* Effect.mapError(Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))(text), () =>
    failed("usage", `${EXPECTED}.`)
  )
  return yield* Effect.mapError(Schema.decodeUnknownEffect(PublicJwk, noUnknownFields)(sent), ({ issue }) => {
    const faults = format(issue).issues.map(({ path, message }) => `${(path ?? []).join(".") || "JWK"}: ${message}`)
    return failed("usage", [`${EXPECTED}.`, ...faults].join("\n  "))
  })
})

const add = Command.make(
  "add",
  { id: checkedFlag("id", "<id>", SigningKeyId, "The kid of its tokens; that of the JWK, or a new one, unless given") },
  Effect.fnUntraced(function* (flags) {
    const publicKey = yield* readJwk
    yield* printAnswer(
      call(({ signing_keys }) => signing_keys.add({ payload: { publicKey, ...given(flags) }, responseMode: both })),
      (key, now) => `${details(key, now)}\n\nSign tokens with EdDSA, and with kid ${key.id} in their heads.`
    )
  })
).pipe(
  described(
    "Add the key of an application that signs playback tokens by itself: a JWK, without its private half, on standard input",
    ["greenroom signing-keys add < public.jwk"],
    [`greenroom signing-keys add --id ${EXAMPLE} < public.jwk`]
  ),
  Command.withShortDescription("Add the key of an application that signs playback tokens by itself")
)

const rotate = Command.make(
  "rotate",
  {
    overlap: checkedFlag(
      "overlap",
      "<span>",
      Span,
      `For how long tokens of the key before it stay good: 90m, 12h, 30d; ${ROTATION_OVERLAP.default / 86_400}d unless given`
    )
  },
  ({ overlap }) => {
    const payload = given({ overlapSeconds: Option.map(overlap, (span) => spanMillis(span) / 1000) })
    return printAnswer(
      call(({ signing_keys }) => signing_keys.rotate({ payload, responseMode: both })),
      (key, now) => `${details(key, now)}\n\nIt signs from now on.`
    )
  }
).pipe(
  described(
    "Let a new key sign playback tokens from now on",
    ["greenroom signing-keys rotate"],
    ["greenroom signing-keys rotate --overlap 0m", "Tokens of the one before are good no more"]
  )
)

const remove = Command.make("remove", { id: checkedArgument("id", SigningKeyId, "The key's id") }, ({ id }) =>
  printAnswer(
    call(({ signing_keys }) => signing_keys.remove({ params: { id }, responseMode: both })),
    () => `Signing key ${id} is removed: tokens that it has signed are good no more (${program} viewers list).`
  )
).pipe(
  described("Remove a signing key: tokens that it has signed are good no more, and their sessions are ended", [
    `greenroom signing-keys remove ${EXAMPLE}`
  ])
)

export const signingKeysCommand = Command.make("signing-keys").pipe(
  described(
    "What playback tokens are signed and verified with",
    ["greenroom signing-keys list"],
    ["greenroom signing-keys rotate"]
  ),
  Command.withSubcommands([list, add, rotate, remove])
)
