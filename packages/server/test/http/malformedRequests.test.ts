/** What becomes of the connection of a request that could not be read; what is answered to it is told in `limits.test.ts`. */
import * as http from "node:http"
import * as net from "node:net"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, it } from "vitest"
import { refuseMalformedRequest } from "../../src/http/middleware/malformedRequests.ts"

const server = refuseMalformedRequest(http.createServer(), { methodsAt: () => [], onRefused: () => {} })
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)))
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

it("whoever has read the answer and does not hang up is cut off", async () => {
  const { port } = server.address() as net.AddressInfo
  const sockets = Array.from({ length: 5 }, () =>
    net
      .connect({ port, host: "127.0.0.1", allowHalfOpen: true })
      .on("error", () => {})
      .resume()
  )
  const ended = sockets.map((socket) => new Promise<void>((resolve) => socket.once("end", resolve)))
  for (const socket of sockets) socket.write("words\r\n\r\n")
  await Promise.all(ended)
  await expect.poll(() => promisify(server.getConnections.bind(server))()).toBe(0)
  for (const socket of sockets) socket.destroy()
})
