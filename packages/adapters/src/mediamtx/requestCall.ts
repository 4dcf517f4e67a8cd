/** One request to the control API as metrics and spans describe it, by OpenTelemetry's conventions for HTTP: by its route, never by a path or an id. */
import { errorTypeOf, type outgoing, recordClientRequest } from "@greenroom/core/internal"
import { Cause, Exit } from "effect"
import type { Call } from "./Call.ts"
import type { HttpResponse } from "./transport.ts"

type OutgoingCall = Parameters<typeof outgoing<HttpResponse, Error, never>>[1]

/** Codes of the system and of undici are few, and have the form of a constant. */
const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && /^[A-Z][A-Z0-9_]{1,40}$/.test(String(error.code))
    ? String(error.code)
    : undefined

const outcomeOf = (exit: Exit.Exit<HttpResponse, Error>) => {
  if (Exit.isFailure(exit)) return { "error.type": codeOf(Cause.squash(exit.cause)) ?? errorTypeOf(exit) }
  const status = String(exit.value.status)
  return { "http.response.status_code": status, "error.type": exit.value.status >= 400 ? status : undefined }
}

const portOf = ({ port, protocol }: URL): string => (port !== "" ? port : protocol === "https:" ? "443" : "80")

/** Methods and routes are those of this adapter. */
export const describeRequests = (apiUrl: URL): ((call: Pick<Call, "method" | "route">) => OutgoingCall) => {
  const server = {
    "url.scheme": apiUrl.protocol.slice(0, -1),
    "server.address": apiUrl.hostname,
    "server.port": portOf(apiUrl)
  }
  const made = new Map<string, OutgoingCall>()
  return ({ method, route }) => {
    const name = `${method} ${route}`
    const known = made.get(name)
    if (known !== undefined) return known
    const request = { "http.request.method": method, ...server, "url.template": route }
    const call: OutgoingCall = {
      name,
      attributes: { ...request, "server.port": Number(server["server.port"]) },
      outcome: outcomeOf,
      record: (outcome, seconds, context) =>
        recordClientRequest(
          {
            ...request,
            "http.response.status_code": outcome["http.response.status_code"],
            "error.type": outcome["error.type"]
          },
          seconds,
          context
        ),
      startsTrace: false
    }
    made.set(name, call)
    return call
  }
}
