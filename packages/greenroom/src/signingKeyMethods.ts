/** `gr.signingKeys`: the keys that playback tokens are signed and verified with. No private half is in any answer. */
import * as Core from "@greenroom/core"
import { Effect } from "effect"
import { fieldsOf, unchecked } from "./argumentForms.ts"
import { GreenroomError, invalidArgument } from "./GreenroomError.ts"
import { noEncryptionKey } from "./playbackTokenMethods.ts"
import type { Run } from "./run.ts"
import { type SigningKey, signingKeyShape } from "./viewerShapes.ts"

/** A JWK of an Ed25519 key (RFC 8037) without its private half, `d`. */
export interface PublicJwk {
  readonly kty: string
  readonly crv?: string
  readonly x?: string
  /** The id, unless `id` is given. */
  readonly kid?: string
  readonly [member: string]: unknown
}

export interface NewSigningKey {
  readonly publicKey: PublicJwk
  /** The `kid` of its tokens. Left out: the JWK's, else a new one. */
  readonly id?: string
}

export interface SigningKeys {
  /** Those that verify, the newest first. */
  readonly list: () => Promise<ReadonlyArray<SigningKey>>
  /** A key with which your application signs tokens by itself, up to 10. Rejects with `id_taken` and `limit_reached`. */
  readonly add: (key: NewSigningKey) => Promise<SigningKey>
  /** A new key signs from now on; tokens of the one before are good for `overlapSeconds` more (30 days unless given). */
  readonly rotate: (options?: { readonly overlapSeconds?: number }) => Promise<SigningKey>
  /** Its tokens are good no more. `false`: there is none. Rejects with `key_signs` for the one that signs. */
  readonly remove: (id: string) => Promise<boolean>
  /** The public halves as a JWK Set (RFC 7517), for who verifies tokens elsewhere. */
  readonly jwks: () => Promise<{ readonly keys: ReadonlyArray<ReturnType<typeof Core.jwkOf>> }>
}

const checked = ({ publicKey, id }: NewSigningKey) => {
  const { kty, crv, x, kid, d } = fieldsOf("key.publicKey", publicKey)
  if (d !== undefined) throw invalidArgument("key.publicKey", "expected the public half only: the JWK has d")
  if (kty !== "OKP" || crv !== "Ed25519")
    throw invalidArgument("key.publicKey", 'expected a JWK with kty "OKP" and crv "Ed25519"')
  if (id !== undefined && kid !== undefined && id !== kid)
    throw invalidArgument("key.id", "expected the same as the kid of the JWK")
  return { id: unchecked<Core.SigningKeyId | null>(id ?? kid ?? null), publicKey: unchecked<string>(x) }
}

const add = Effect.fnUntraced(function* (key: NewSigningKey) {
  const outcome = yield* Core.addSigningKey(checked(key))
  switch (outcome._tag) {
    case "Added":
      return signingKeyShape(outcome.key)
    case "IdTaken":
      return yield* Effect.fail(new GreenroomError("id_taken", "Another signing key has this id, or had it lately"))
    case "TooMany":
      return yield* Effect.fail(
        new GreenroomError("limit_reached", `There are ${Core.APPLICATION_KEYS_MAX} signing keys of applications`)
      )
  }
})

const rotate = Effect.fnUntraced(function* (overlapSeconds: number) {
  const outcome = yield* Core.rotateSigningKey({ overlapSeconds })
  return outcome._tag === "NoKey" ? yield* Effect.fail(noEncryptionKey()) : signingKeyShape(outcome.key)
})

const remove = Effect.fnUntraced(function* (id: string) {
  const outcome = yield* Core.removeSigningKey(unchecked(id))
  if (outcome === "Signing")
    return yield* Effect.fail(new GreenroomError("key_signs", "This key signs: rotate it first"))
  return outcome === "Removed"
})

export const signingKeysOf = (run: Run): SigningKeys => ({
  list: () => run(Effect.map(Core.listSigningKeys, (keys) => keys.map(signingKeyShape))),
  add: (key) => run(Effect.suspend(() => add(fieldsOf("key", key)))),
  rotate: (options = {}) =>
    run(
      Effect.suspend(() => {
        const { overlapSeconds = Core.ROTATION_OVERLAP.default } = fieldsOf("options", options)
        return rotate(overlapSeconds)
      })
    ),
  remove: (id) => run(Effect.suspend(() => remove(id))),
  jwks: () => run(Core.publicSigningKeys)
})
