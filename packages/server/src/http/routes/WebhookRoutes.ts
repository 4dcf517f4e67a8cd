/**
 * MediaMTX's hooks: `curl -d` sends them, so the body is JSON whatever its content type. They make the reconciler look; one that
 * comes with the hook secret may be believed while it cannot look.
 */
import { type Hook, receiveHook } from "@greenroom/core"
import { Effect, Layer } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HookBody } from "../api/MediaServerApi.ts"
import { given } from "../body/given.ts"
import { jsonBody } from "../body/jsonBody.ts"
import { hookRoute } from "../middleware/HookSecret.ts"

const readBody = jsonBody(HookBody, "whatever")

const hook = (path: `/${string}`, kind: Hook["kind"]) =>
  hookRoute(path, (isProtected) =>
    Effect.flatMap(readBody, ({ path, source_type, source_id }) =>
      Effect.as(
        receiveHook({ kind, path, sourceType: given(source_type), sourceId: given(source_id), protected: isProtected }),
        HttpServerResponse.empty({ status: 204 })
      )
    )
  )

export const layer = Layer.merge(hook("/webhook/ready", "ready"), hook("/webhook/not-ready", "not_ready"))
