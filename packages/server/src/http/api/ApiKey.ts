/** Who may call: the operator and the frontend share one secret, sent in either of two ways. How it is checked is the server's. */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import { problems } from "./problemSchemas.ts"

const API_SECRET_TEXT = "The API secret (`API_SECRET`): for all that an operator may do"
const described = (description: string) => OpenApi.annotations({ description })

export class ApiKey extends HttpApiMiddleware.Service<ApiKey>()("greenroom/http/ApiKey", {
  error: problems("unauthorized", "too-many-requests"),
  security: {
    api_key: HttpApiSecurity.apiKey({ key: "X-API-Key" }).pipe(
      HttpApiSecurity.annotateMerge(described(API_SECRET_TEXT))
    ),
    bearer: HttpApiSecurity.bearer.pipe(HttpApiSecurity.annotateMerge(described(API_SECRET_TEXT)))
  }
}) {}

/**
 * The secret that the media server's calls carry when `HOOK_SECRET` is set. Those calls are plain routes, so this is
 * for the OpenAPI document alone.
 */
export class HookKey extends HttpApiMiddleware.Service<HookKey>()("greenroom/http/HookKey", {
  error: problems("unauthorized", "too-many-requests"),
  security: {
    hook_basic: HttpApiSecurity.basic.pipe(
      HttpApiSecurity.annotateMerge(
        described(
          "Any user, the hook secret (`HOOK_SECRET`) as the password: for the media server's calls, when one is configured"
        )
      )
    ),
    hook_bearer: HttpApiSecurity.bearer.pipe(
      HttpApiSecurity.annotateMerge(described("The hook secret: for the media server's calls, too"))
    )
  }
}) {}
