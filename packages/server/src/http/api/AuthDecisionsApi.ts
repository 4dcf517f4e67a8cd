/** Why a client was let in or not: the log of the answers to auth calls. */
import {
  BroadcasterId,
  DECISIONS_KEPT,
  decisionOutcomes,
  KEY_PREFIX_LENGTH,
  PATH_MAX_LENGTH,
  Timestamp
} from "@greenroom/core"
import { isAtMost } from "@greenroom/core/internal"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { AuthCheck, NewAuthCheck } from "./authCheckSchemas.ts"
import { AuthDecisionPage, decisionReasons } from "./authDecisionSchemas.ts"
import { pageQuery } from "./Cursor.ts"
import { commaSeparated } from "./Input.ts"
import { needs } from "./OperationAccess.ts"
import { onBody, onList, problems } from "./problemSchemas.ts"
import { summary, wire } from "./wire.ts"

const KEY_PREFIX = `Expected the first ${KEY_PREFIX_LENGTH} characters of a key, such as sk_EXAM`

/** Text without NUL, of which PostgreSQL knows nothing. */
const compared = (max: number) =>
  Schema.String.check(
    isAtMost(max),
    Schema.makeFilter((text) => (text.includes("\u0000") ? "Expected text without NUL" : undefined), {
      toJsonSchema: () => ({ pattern: "^[^\\x00]*$" })
    })
  )

export const AuthDecisionQuery = wire({
  path: Schema.optionalKey(compared(PATH_MAX_LENGTH)),
  keyPrefix: Schema.optionalKey(
    Schema.String.annotate({ description: "Only those with a key that begins so", examples: ["sk_EXAM"] }).check(
      Schema.isPattern(/^sk_[0-9A-Za-z_-]{4}$/u, { message: KEY_PREFIX })
    )
  ),
  reason: Schema.optionalKey(commaSeparated(decisionReasons, "Only those with these reasons, separated by commas")),
  outcome: Schema.optionalKey(commaSeparated(decisionOutcomes, "Only those with these outcomes, separated by commas")),
  ip: Schema.optionalKey(compared(64)),
  since: Schema.optionalKey(Timestamp),
  broadcasterId: Schema.optionalKey(BroadcasterId),
  ...pageQuery
})

export class AuthDecisionsApi extends HttpApiGroup.make("auth_decisions")
  .add(
    HttpApiEndpoint.get("list", "/auth-decisions", {
      query: AuthDecisionQuery,
      success: AuthDecisionPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("operate"))
      .annotateMerge(
        summary(
          "List decisions on auth calls",
          `Newest first: the last ${DECISIONS_KEPT.toLocaleString("en")} of all instances. A decision is here about a second after its answer; its id stands in the answer, in the log and in the media server's log. Equal decisions within a minute are one, with a \`count\`. Viewers, and the service's own calls of the control API, are not kept.`
        )
      ),
    HttpApiEndpoint.post("check", "/auth/check", {
      payload: NewAuthCheck,
      success: AuthCheck,
      error: problems(...onBody)
    })
      .annotateMerge(needs("operate"))
      .annotateMerge(
        summary(
          "Why can my encoder not connect?",
          "What `/auth` would answer to an encoder with these settings, check by check, with what to do, and the last refusals. Nothing happens by it: no stream, no reservation, no record in the decision log. The settings are those of one form: `{url}` (with `bearer` for WHIP), `{server, stream_key}` of OBS, `{streamid}` of SRT, `{stream_key_id, path}`, or the media server's own call. They are read as MediaMTX and ffmpeg read them. Settings with which MediaMTX would not make the auth call are a validation error."
        )
      )
  )
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Auth decisions", description: "Why a client was let in, or not." })) {}
