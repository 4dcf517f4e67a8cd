/**
 * A receiver of webhooks in a process of its own: answers 204 at once, and keeps how long after its time each event first came. Sends the lags
 * by endpoint when it is asked. Both clocks are this machine's.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

let lags = new Map<string, Array<number>>()

const atOf = (body: string): number => Date.parse(/"at":"([^"]+)"/.exec(body)?.[1] ?? "")

const server = createServer((request, response) => {
  const came = Date.now()
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (part) => {
    body += part
  })
  request.on("end", () => {
    const own = lags.get(request.url ?? "") ?? []
    own.push(came - atOf(body))
    lags.set(request.url ?? "", own)
    response.writeHead(204).end()
  })
})
server.keepAliveTimeout = 60_000

process.on("message", () => {
  process.send?.([...lags])
  lags = new Map()
})

server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
