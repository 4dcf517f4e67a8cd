/**
 * MediaMTX's hooks: `curl -d` sends them, so the body is JSON whatever its content type. They make the reconciler look; one that
 * comes with the hook secret may be believed while it cannot look.
 */
import { type Hook, receiveHook } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HookBody } from "../api/MediaServerApi.ts"
import { given } from "../body/given.ts"
import { jsonBody } from "../body/jsonBody.ts"
import { HookSecret, hookCheck } from "../middleware/HookSecret.ts"

const readBody = jsonBody(HookBody, "whatever")

const answer = Effect.fnUntraced(function* (
  kind: Hook["kind"],
  checked: Effect.Success<typeof hookCheck>,
  isProtected: boolean
) {
  yield* checked
  const { path, source_type, source_id } = yield* readBody
  yield* receiveHook({ kind, path, sourceType: given(source_type), sourceId: given(source_id), protected: isProtected })
  return HttpServerResponse.empty({ status: 204 })
})

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const checked = yield* hookCheck
    const isProtected = Option.isSome(yield* HookSecret)
    yield* router.add("POST", "/webhook/ready", answer("ready", checked, isProtected))
    yield* router.add("POST", "/webhook/not-ready", answer("not_ready", checked, isProtected))
  })
)
