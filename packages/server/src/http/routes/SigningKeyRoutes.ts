/** The endpoints of signing keys. No private half is in any of them. */
import {
  APPLICATION_KEYS_MAX,
  addSigningKey,
  jwkOf,
  type SigningKey as Key,
  listSigningKeys,
  ROTATION_OVERLAP,
  removeSigningKey,
  rotateSigningKey
} from "@greenroom/core"
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { type NewSigningKey, SigningKey } from "../api/SigningKeysApi.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { conflictAt, failWith, invalid } from "../problems/Problem.ts"
import { storeFailureToDefect } from "./handling.ts"

export const noSigningKey = failWith(
  "conflict",
  "The key that signs playback tokens is kept encrypted, and there is no key for that: set ENCRYPTION_KEY, to the one under which it was encrypted"
)
const tooMany = failWith(
  "conflict",
  `There are ${APPLICATION_KEYS_MAX} signing keys of applications: remove one that is not needed`
)
const signs = failWith("conflict", "This key signs: rotate it first, with POST /signing-keys/rotate")

const keyShown = ({ publicKey, ...key }: Key): typeof SigningKey.Type => ({
  ...key,
  signs: key.issuer === "greenroom" && key.verifiesUntil === null,
  publicKey: jwkOf({ id: key.id, publicKey })
})

const add = Effect.fnUntraced(function* ({ publicKey, id }: typeof NewSigningKey.Type) {
  const { kid } = publicKey
  if (id !== undefined && kid !== undefined && id !== kid) {
    return yield* invalid([
      { pointer: "/id", detail: "Expected the same as the kid of the JWK, or only one of the two" }
    ])
  }
  const outcome = yield* addSigningKey({ id: id ?? kid ?? null, publicKey: publicKey.x })
  switch (outcome._tag) {
    case "Added":
      return keyShown(outcome.key)
    case "IdTaken":
      return yield* conflictAt(
        id === undefined ? "/public_key/kid" : "/id",
        "Expected an id that no other signing key has, or had within 30 days"
      )
    case "TooMany":
      return yield* tooMany
  }
})

const rotate = Effect.fnUntraced(function* (overlapSeconds: number) {
  const outcome = yield* rotateSigningKey({ overlapSeconds })
  return outcome._tag === "NoKey" ? yield* noSigningKey : keyShown(outcome.key)
})

const remove = Effect.fnUntraced(function* (id: Key["id"]) {
  const outcome = yield* removeSigningKey(id)
  if (outcome === "Signing") return yield* signs
  if (outcome === "NotFound") return yield* failWith("not-found", "No signing key has this id")
})

const answerPage = pageAnswer("signing_keys", SigningKey, keyShown)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "signing_keys",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers.handleAll({
      list: () =>
        listSigningKeys.pipe(
          Effect.map((items) => ({ items, next_cursor: null })),
          Effect.flatMap(answerPage),
          answerList
        ),
      add: ({ payload }) => storeFailureToDefect(add(payload)),
      rotate: ({ payload: { overlapSeconds = ROTATION_OVERLAP.default } }) =>
        storeFailureToDefect(rotate(overlapSeconds)),
      remove: ({ params }) => storeFailureToDefect(remove(params.id))
    })
  })
)
