/** API tokens, and the sessions of pages. A token leaves the service once, in the answer that creates it. */
import { API_TOKENS_MAX, ApiTokenId } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { ApiToken, ApiTokenChanges, ApiTokenPage, IssuedApiToken, NewApiToken, Session } from "./apiTokenSchemas.ts"
import { pageQuery } from "./Cursor.ts"
import { needs } from "./OperationAccess.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import { summary, wire } from "./wire.ts"

const params = { id: ApiTokenId }

export class ApiTokensApi extends HttpApiGroup.make("api_tokens")
  .add(
    HttpApiEndpoint.post("create", "/api-tokens", {
      payload: NewApiToken,
      success: HttpApiSchema.WithHeaders(IssuedApiToken.pipe(HttpApiSchema.status(201)), {
        location: Schema.String,
        "cache-control": Schema.String
      }),
      error: problems("conflict", ...onBody)
    })
      .annotateMerge(needs("admin", "api_token.create"))
      .annotateMerge(
        summary(
          "Create an API token",
          `The only answer that holds the token (\`gr_\` and 43 characters). With \`broadcaster_id\` everything of other broadcasters does not exist for it. A conflict when there are ${API_TOKENS_MAX} tokens. An unknown broadcaster and an expiry in the past are validation errors.`
        )
      ),
    HttpApiEndpoint.get("list", "/api-tokens", {
      query: wire(pageQuery),
      success: ApiTokenPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("admin"))
      .annotateMerge(summary("List API tokens", "Newest first, without the tokens themselves.")),
    HttpApiEndpoint.get("get", "/api-tokens/:id", {
      params,
      success: ApiToken,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("admin"))
      .annotateMerge(summary("Get an API token")),
    HttpApiEndpoint.patch("change", "/api-tokens/:id", {
      params,
      payload: ApiTokenChanges,
      success: ApiToken,
      error: problems("not-found", ...onBody)
    })
      .annotateMerge(needs("admin", "api_token.change"))
      .annotateMerge(summary("Change an API token", "From the next request on.")),
    HttpApiEndpoint.delete("remove", "/api-tokens/:id", {
      params,
      success: HttpApiSchema.NoContent,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("admin", "api_token.delete"))
      .annotateMerge(
        summary("Delete an API token", "From the next request on no instance takes it, nor sessions that it opened.")
      )
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({
      title: "API tokens",
      description: "Credentials of callers of this API, beside the one API secret: each may do what its scopes allow."
    })
  ) {}

const cookie = { "set-cookie": Schema.String, "cache-control": Schema.String }

export class SessionApi extends HttpApiGroup.make("session")
  .add(
    HttpApiEndpoint.post("open", "/session", {
      success: HttpApiSchema.WithHeaders(Session.pipe(HttpApiSchema.status(201)), cookie),
      error: problems("forbidden", "internal", "store-unavailable")
    })
      .annotateMerge(needs(null, "session.create"))
      .annotateMerge(
        summary(
          "Open a session",
          "For pages of this origin: sent with the API secret or an API token in a header, it answers with a cookie (HttpOnly, SameSite=Strict) that takes its place for 12 hours. The page then sends `csrf_token` as `X-CSRF-Token` with every call that changes something. A session ends with its token."
        )
      ),
    HttpApiEndpoint.get("get", "/session", {
      success: HttpApiSchema.WithHeaders(Session, { "cache-control": Schema.String }),
      error: problems("internal", "store-unavailable")
    })
      .annotateMerge(needs(null))
      .annotateMerge(summary("Who am I?", "The caller's credential, its scopes, and the session's CSRF token.")),
    HttpApiEndpoint.delete("close", "/session", {
      success: HttpApiSchema.WithHeaders(HttpApiSchema.NoContent, { "set-cookie": Schema.String }),
      error: problems("internal", "store-unavailable")
    })
      .annotateMerge(needs(null, "session.delete"))
      .annotateMerge(
        summary("Close the session", "The browser forgets its cookie. Nothing is stored here that could be deleted.")
      )
  )
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Session", description: "Sessions of web pages of this origin." })) {}
