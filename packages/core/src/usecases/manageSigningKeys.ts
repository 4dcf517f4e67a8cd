/**
 * The keys of playback tokens: Greenroom's own, which it makes and rotates, and up to ten of applications that sign by themselves. A private half never
 * leaves this process unencrypted.
 */
import { Effect, Option, Schema } from "effect"
import { signingKeyImage } from "../domain/audit/images.ts"
import { EXPIRES_IN } from "../domain/playback/PlaybackToken.ts"
import { jwkOf, PublicKey, type SigningKey, SigningKeyId, verifies } from "../domain/playback/SigningKey.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { type AddKeyOutcome, SigningKeys } from "../ports/SigningKeys.ts"
import { TokenSigner } from "../ports/TokenSigner.ts"
import { nowSeconds } from "../resilience/ProcessClock.ts"
import { type AuditedChange, audited } from "./audited.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { newSigningKey } from "./signingKeyPair.ts"

/** Seconds: no token lives longer. */
export const ROTATION_OVERLAP = { least: 0, most: EXPIRES_IN.most, default: EXPIRES_IN.most } as const

const check = {
  add: checkArguments("addSigningKey", { id: Schema.NullOr(SigningKeyId), publicKey: PublicKey }),
  rotate: checkArguments("rotateSigningKey", {
    overlapSeconds: Schema.Int.check(
      Schema.isBetween({ minimum: ROTATION_OVERLAP.least, maximum: ROTATION_OVERLAP.most })
    )
  }),
  remove: checkArguments("removeSigningKey", { id: SigningKeyId })
}

const change = (before: SigningKey | null, after: SigningKey | null): AuditedChange => ({
  resourceId: (after ?? before)?.id ?? null,
  broadcasterId: null,
  before: before === null ? null : signingKeyImage(before),
  after: after === null ? null : signingKeyImage(after)
})

const readAgain = Effect.flatMap(PlaybackAccess, ({ refreshKeys }) => Effect.ignore(refreshKeys))

/** Those that verify, newest first. */
export const listSigningKeys = Effect.gen(function* () {
  return yield* (yield* SigningKeys).list
}).pipe(Effect.withSpan("listSigningKeys"))

/** The public halves as a JWK Set (RFC 7517), from memory: it answers while the store does not. */
export const publicSigningKeys = Effect.gen(function* () {
  const { keys } = yield* (yield* PlaybackAccess).view
  const now = yield* nowSeconds
  return { keys: keys.filter((key) => verifies(key, now)).map(jwkOf) }
})

/** Of an application. `id`: the `kid` of its tokens; `null`: one is given. */
export const addSigningKey = Effect.fn("addSigningKey")(function* (given: {
  readonly id: SigningKeyId | null
  readonly publicKey: string
}) {
  const { id, publicKey } = yield* check.add(given)
  const keys = yield* SigningKeys
  const named = id ?? ((yield* (yield* TokenSigner).tokenId) as SigningKeyId)
  const outcome: AddKeyOutcome = yield* audited("signing_key.create", keys.add({ id: named, publicKey }), (outcome) =>
    outcome._tag === "Added" ? change(null, outcome.key) : null
  )
  if (outcome._tag === "Added") yield* readAgain
  return outcome
})

/** A new key signs from now on; tokens of the one before are good for `overlapSeconds` more. `NoKey`: ENCRYPTION_KEY is not set. */
export const rotateSigningKey = Effect.fn("rotateSigningKey")(function* (given: { readonly overlapSeconds: number }) {
  const { overlapSeconds } = yield* check.rotate(given)
  const keys = yield* SigningKeys
  const made = yield* Effect.option(newSigningKey)
  if (Option.isNone(made)) return { _tag: "NoKey" } as const
  const key = yield* audited("signing_key.rotate", keys.rotate(made.value, overlapSeconds), (key) => change(null, key))
  yield* readAgain
  return { _tag: "Rotated", key } as const
})

/** All that it has signed is worth nothing from now on, and the sessions that it has let in are kicked. Not the key that signs: `Signing`. */
export const removeSigningKey = Effect.fn("removeSigningKey")(function* (given: SigningKeyId) {
  const { id } = yield* check.remove({ id: given })
  const keys = yield* SigningKeys
  const signing = yield* keys.signing
  if (Option.isSome(signing) && signing.value.id === id) return "Signing" as const
  const removing = Effect.gen(function* () {
    const before = (yield* keys.list).find((key) => key.id === id)
    return before !== undefined && (yield* keys.remove(id)) ? before : null
  })
  const removed = yield* audited("signing_key.delete", removing, (before) =>
    before === null ? null : change(before, null)
  )
  if (removed !== null) yield* readAgain
  return removed === null ? ("NotFound" as const) : ("Removed" as const)
})
