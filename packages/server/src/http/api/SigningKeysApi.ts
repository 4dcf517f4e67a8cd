/** The keys that playback tokens are signed and verified with: public halves alone. */
import {
  APPLICATION_KEYS_MAX,
  PublicKey,
  ROTATION_OVERLAP,
  SigningKeyId,
  Timestamp,
  tokenIssuers
} from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { needsWholeFleet } from "./OperationAccess.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import { named, nullable, pageOf, summary, wire } from "./wire.ts"

const jwkExample = {
  kty: "OKP",
  crv: "Ed25519",
  use: "sig",
  alg: "EdDSA",
  kid: "shop-2026",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
}

export const Jwk = Schema.Struct({
  kty: Schema.Literal("OKP"),
  crv: Schema.Literal("Ed25519"),
  use: Schema.Literal("sig"),
  alg: Schema.Literal("EdDSA"),
  kid: Schema.String,
  x: Schema.String
}).annotate(named("Jwk", jwkExample, "The public half of a key (RFC 7517, RFC 8037)"))

export const JwkSet = Schema.Struct({ keys: Schema.Array(Jwk) }).annotate(named("JwkSet", { keys: [jwkExample] }))

const keyExample = {
  id: "shop-2026",
  issuer: "application",
  signs: false,
  public_key: jwkExample,
  created_at: "2026-11-21T01:30:00.000Z",
  verifies_until: null
}

export const SigningKey = wire(
  {
    id: SigningKeyId.annotate({ description: "The `kid` of its tokens" }),
    issuer: Schema.Literals(tokenIssuers).annotate({
      description: "`greenroom`: it is this service's own. `application`: an application signs with it by itself"
    }),
    signs: Schema.Boolean.annotate({ description: "POST /playback-tokens signs with it" }),
    publicKey: Jwk,
    createdAt: Timestamp,
    verifiesUntil: nullable(Timestamp).annotate({
      description: "Its tokens are good until then, because it was rotated; `null`: for as long as it is there"
    })
  },
  named("SigningKey", keyExample)
)

export const SigningKeyPage = pageOf(
  "signing_keys",
  SigningKey,
  named("SigningKeyPage", { signing_keys: [keyExample], count: 1, next_cursor: null })
)

export const PUBLIC_HALF_ONLY =
  "Expected the public half only: this JWK has the private one (d). Send it without d, and if anyone else may have seen it, make a new key"

/** As WebCrypto and others write it. What is in no such JWK is refused as an unknown field. */
export const PublicJwk = Schema.Struct({
  kty: Schema.Literal("OKP"),
  crv: Schema.Literal("Ed25519"),
  x: PublicKey,
  kid: Schema.optionalKey(SigningKeyId),
  use: Schema.optionalKey(Schema.Literal("sig")),
  alg: Schema.optionalKey(Schema.Literals(["EdDSA", "Ed25519"])),
  key_ops: Schema.optionalKey(Schema.Array(Schema.Literal("verify")).check(Schema.isMaxLength(1))),
  ext: Schema.optionalKey(Schema.Boolean),
  d: Schema.optionalKey(Schema.Never.annotate({ message: PUBLIC_HALF_ONLY }))
})

export const NewSigningKey = wire(
  {
    publicKey: PublicJwk.annotate({ description: "A JWK of an Ed25519 key: `kty`, `crv` and `x`, and never `d`" }),
    id: Schema.optionalKey(
      SigningKeyId.annotate({ description: "The `kid` of its tokens; that of the JWK, or a new one, unless given" })
    )
  },
  named("NewSigningKey", { public_key: { kty: "OKP", crv: "Ed25519", kid: jwkExample.kid, x: jwkExample.x } })
)

export const SigningKeyRotation = wire(
  {
    overlapSeconds: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: ROTATION_OVERLAP.least, maximum: ROTATION_OVERLAP.most })).annotate({
        description: "For so long tokens of the key before it are good"
      })
    )
  },
  named(
    "SigningKeyRotation",
    { overlap_seconds: 86_400 },
    "Left out, `overlap_seconds` is 2592000: no token lives longer"
  )
)

export class SigningKeysApi extends HttpApiGroup.make("signing_keys")
  .add(
    HttpApiEndpoint.get("list", "/signing-keys", { success: SigningKeyPage, error: problems(...onList) })
      .annotateMerge(needsWholeFleet("admin"))
      .annotateMerge(
        summary("List signing keys", "Those that verify, newest first. The service makes its own with its first token.")
      ),
    HttpApiEndpoint.post("add", "/signing-keys", {
      payload: NewSigningKey,
      success: SigningKey.pipe(HttpApiSchema.status(201)),
      error: problems("conflict", ...onBody)
    })
      .annotateMerge(needsWholeFleet("admin", "signing_key.create"))
      .annotateMerge(
        summary(
          "Add an application's signing key",
          `The application signs playback tokens by itself (EdDSA, with this key's id as \`kid\`); the service verifies them. A conflict when there are ${APPLICATION_KEYS_MAX}, and when a key has this id, or had it within 30 days.`
        )
      ),
    HttpApiEndpoint.post("rotate", "/signing-keys/rotate", {
      payload: SigningKeyRotation,
      success: SigningKey,
      error: problems("conflict", ...onBody)
    })
      .annotateMerge(needsWholeFleet("admin", "signing_key.rotate"))
      .annotateMerge(
        summary(
          "Rotate the service's signing key",
          "A new key signs from now on. Tokens of the one before stay good for the overlap, or until they expire. A conflict without ENCRYPTION_KEY, which the private half is encrypted with."
        )
      ),
    HttpApiEndpoint.delete("remove", "/signing-keys/:id", {
      params: { id: SigningKeyId },
      success: HttpApiSchema.NoContent,
      error: problems("not-found", "conflict", ...onInput)
    })
      .annotateMerge(needsWholeFleet("admin", "signing_key.delete"))
      .annotateMerge(
        summary(
          "Remove a signing key",
          "Tokens that it has signed are good no more, and the sessions that they have let in are ended. A conflict for the key that signs: rotate first."
        )
      )
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({
      title: "Signing keys",
      description:
        "What playback tokens are signed and verified with. GET /.well-known/jwks.json has the public halves."
    })
  ) {}
