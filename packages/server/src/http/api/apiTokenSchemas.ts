/** API tokens on the wire. */
import { ApiTokenId, BroadcasterId, Scope, scopes, Timestamp, TokenName } from "@greenroom/core"
import { Schema } from "effect"
import { exampleIds, named, nullable, pageOf, wire } from "./wire.ts"

const example = {
  id: "5d7f6f0e-3b0c-4b44-8a50-3f0c8f2f7a11",
  name: "dashboard",
  scopes: ["streams:read", "events:read"],
  broadcaster_id: null,
  created_at: "2026-11-21T01:30:00.000Z",
  expires_at: "2027-11-21T00:00:00.000Z",
  last_used_at: null
}
const { name, expires_at } = example

const Scopes = Schema.NonEmptyArray(Scope)
  .check(Schema.isMaxLength(scopes.length))
  .annotate({ description: "What it may do. A scope that writes also reads; `admin` has them all, and manages tokens" })
const OfBroadcaster = nullable(BroadcasterId).annotate({
  description: "It sees and changes the things of this broadcaster alone; `null`: of all"
})
const Expiry = nullable(Timestamp).annotate({ description: "From then on it is refused; `null`: never" })

const fields = {
  id: ApiTokenId,
  name: Schema.String,
  scopes: Schema.Array(Scope),
  broadcasterId: nullable(BroadcasterId),
  createdAt: Timestamp,
  expiresAt: nullable(Timestamp),
  lastUsedAt: nullable(Timestamp).annotate({ description: "At most a minute behind" })
}

export const ApiToken = wire(fields, named("ApiToken", example))

export const NewApiToken = wire(
  {
    name: TokenName,
    scopes: Scopes,
    broadcasterId: Schema.optionalKey(OfBroadcaster),
    expiresAt: Schema.optionalKey(Expiry)
  },
  named("NewApiToken", { name, scopes: example.scopes, expires_at })
)

export const ApiTokenChanges = wire(
  {
    name: Schema.optionalKey(TokenName),
    scopes: Schema.optionalKey(Scopes),
    expiresAt: Schema.optionalKey(Expiry)
  },
  named(
    "ApiTokenChanges",
    { name: "wall" },
    "What is left out stays as it is; the broadcaster of a token never changes"
  )
)

export const IssuedApiToken = wire(
  {
    ...fields,
    token: Schema.String.annotate({ description: "The token itself, this once" })
  },
  named("IssuedApiToken", { ...example, token: "gr_…" })
)

export const ApiTokenPage = pageOf(
  "api_tokens",
  ApiToken,
  named("ApiTokenPage", { api_tokens: [example], count: 1, next_cursor: null })
)

/** Who the caller is, as this service sees it. */
const session = {
  actor: Schema.Struct({
    type: Schema.Literals(["secret", "token"]),
    token_id: nullable(ApiTokenId),
    name: nullable(Schema.String)
  }),
  scopes: Schema.Array(Scope),
  broadcasterId: nullable(BroadcasterId),
  expiresAt: nullable(Timestamp).annotate({ description: "When the session ends; `null` without one" }),
  csrfToken: nullable(Schema.String).annotate({
    description: "What a page sends as `X-CSRF-Token` with a change; `null` without a session"
  })
}

export const Session = wire(
  session,
  named("Session", {
    actor: { type: "token", token_id: example.id, name },
    scopes: example.scopes,
    broadcaster_id: exampleIds.broadcaster,
    expires_at: "2026-11-21T13:30:00.000Z",
    csrf_token: "Yx3kq8f1V0a7c2r5S9t4u6w1z8B0D3F5H7J9L2N4P6Q"
  })
)
