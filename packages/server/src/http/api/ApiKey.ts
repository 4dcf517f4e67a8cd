/**
 * Who may call: whoever has the API secret or an API token, sent in either of two headers, and pages with a session that one of them opened. How
 * they are checked is the server's.
 */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import { problems } from "./problemSchemas.ts"

const CREDENTIAL_TEXT =
  "An API token (`gr_…`), which may do what its scopes allow, or the API secret (`API_SECRET`), which may do everything"
const described = (description: string) => OpenApi.annotations({ description })

export const SESSION_COOKIE = "greenroom_session"

export class ApiKey extends HttpApiMiddleware.Service<ApiKey>()("greenroom/http/ApiKey", {
  error: problems("unauthorized", "forbidden", "too-many-requests"),
  security: {
    api_key: HttpApiSecurity.apiKey({ key: "X-API-Key" }).pipe(
      HttpApiSecurity.annotateMerge(described(CREDENTIAL_TEXT))
    ),
    bearer: HttpApiSecurity.bearer.pipe(HttpApiSecurity.annotateMerge(described(CREDENTIAL_TEXT))),
    session: HttpApiSecurity.apiKey({ key: SESSION_COOKIE, in: "cookie" }).pipe(
      HttpApiSecurity.annotateMerge(
        described(
          "For pages of this origin: the cookie of `POST /session`. A call that changes something also sends `X-CSRF-Token`"
        )
      )
    )
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
