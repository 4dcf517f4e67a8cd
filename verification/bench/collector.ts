/** A collector of OTLP over HTTP, which reads what comes and keeps nothing but the number of bytes. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

let bytes = 0
const server = createServer((request, response) => {
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length
  })
  request.on("end", () => response.writeHead(200).end())
})
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
process.on("message", () => process.send?.(bytes))
