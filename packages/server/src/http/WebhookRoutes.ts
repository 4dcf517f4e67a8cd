/** MediaMTX's hooks: `curl -d` sends them, so the body is JSON whatever its content type says. They make the reconciler look. */
import { wake } from "@greenroom/core"
import { Effect } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HookBody } from "./api/MediaServerApi.ts"
import { hookCheck } from "./HookSecret.ts"
import { jsonBody } from "./jsonBody.ts"

const readBody = jsonBody(HookBody, "whatever")

const answer = Effect.fnUntraced(function* (checked: Effect.Success<typeof hookCheck>) {
  yield* checked
  yield* readBody
  yield* wake()
  return HttpServerResponse.empty({ status: 204 })
})

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const checked = yield* hookCheck
    yield* router.add("POST", "/webhook/ready", answer(checked))
    yield* router.add("POST", "/webhook/not-ready", answer(checked))
  })
)
