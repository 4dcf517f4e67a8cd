/** Where a request came from, as the audit log keeps it. */
import { type RequestOrigin, withoutKeys } from "@greenroom/core"
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import { RequestContext } from "./RequestContext.ts"

const USER_AGENT_KEPT = 255

/** IPv4 addresses of a socket for both families come as IPv6 addresses. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, "")

export const requestOrigin: Effect.Effect<RequestOrigin, never, HttpServerRequest | RequestContext> = Effect.gen(
  function* () {
    const { headers } = yield* HttpServerRequest
    const { requestId, remoteAddress } = yield* RequestContext
    const agent = headers["user-agent"]
    return {
      requestId,
      address: remoteAddress === undefined ? null : plainAddress(remoteAddress),
      userAgent: agent === undefined ? null : withoutKeys(agent).slice(0, USER_AGENT_KEPT)
    }
  }
)
