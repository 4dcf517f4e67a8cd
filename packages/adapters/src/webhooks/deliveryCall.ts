/**
 * One attempt as metrics and spans describe it, by OpenTelemetry's conventions for HTTP. An attempt begins a trace, because no request waits for it;
 * the receiver continues it. The span has the host. The metric has none: hosts of receivers change without end.
 */
import type { SendOutcome } from "@greenroom/core"
import { type ClientRequest, errorTypeOf, type outgoing, recordClientRequest } from "@greenroom/core/internal"
import { Exit } from "effect"

type OutgoingCall = Parameters<typeof outgoing<SendOutcome, never, never>>[1]

const outcomeOf = (exit: Exit.Exit<SendOutcome, never>) => {
  if (Exit.isFailure(exit)) return { "error.type": errorTypeOf(exit) }
  if (exit.value._tag === "NoAnswer") return { "error.type": exit.value.why }
  const status = String(exit.value.status)
  return { "http.response.status_code": status, "error.type": exit.value.status >= 400 ? status : undefined }
}

const requestOf = (scheme: string): ClientRequest => ({
  "http.request.method": "POST",
  "url.scheme": scheme,
  "server.address": undefined,
  "server.port": undefined,
  "url.template": "webhook"
})
const requests = { https: requestOf("https"), http: requestOf("http") }

const portOf = ({ port, protocol }: URL): number => (port !== "" ? Number(port) : protocol === "https:" ? 443 : 80)

/** `eventId`: the same in each attempt. The path of a receiver's URL may be a secret, and is left out. */
export const deliveryCall = (url: URL, eventId: string): OutgoingCall => {
  const request = url.protocol === "https:" ? requests.https : requests.http
  return {
    name: "POST webhook",
    attributes: {
      "http.request.method": "POST",
      "url.scheme": request["url.scheme"],
      "server.address": url.hostname,
      "server.port": portOf(url),
      "url.template": "webhook",
      "greenroom.event.id": eventId
    },
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
    startsTrace: true
  }
}
