/** A body in very small chunks: what is kept of it is its bytes, not an object for each chunk. */
import { once } from "node:events"
import type net from "node:net"
import { Context } from "effect"
import { afterEach, expect, it } from "vitest"
import { LimitedServer } from "../../../src/http/listener/LimitedServer.ts"
import { type ListenerName, listenerEnvironment } from "../../../src/http/listener/ListenerEnvironment.ts"
import { raw } from "../support/client.ts"

let server: LimitedServer
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const chunked = (pieces: ReadonlyArray<string>) =>
  `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${pieces
    .map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
    .join("")}0\r\n\r\n`

/** The body that arrived and the number of pieces that it was read in. */
const arrived = async (name: ListenerName, pieces: ReadonlyArray<string>) => {
  server = new LimitedServer(listenerEnvironment(name, Context.empty()), {
    requestWithinMillis: 10_000,
    limits: { total: 10, perAddress: 10 }
  })
  let body = ""
  let count = 0
  server.on("request", (request, response) =>
    request
      .on("data", (piece: Buffer) => {
        body += piece.toString()
        count += 1
      })
      .on("end", () => response.end())
  )
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  expect(await raw((server.address() as net.AddressInfo).port, chunked(pieces))).toContain("200 OK")
  return { body, count }
}

const bytes = Array.from({ length: 4_000 }, (_, index) => String.fromCharCode(97 + (index % 26)))
const mixed = ["a", "b".repeat(3_000), "c", "d".repeat(1_023), "e", "f", "g".repeat(1_024), "h"]

for (const name of ["api", "hooks"] as const) {
  it(`chunks of one byte are kept together (${name})`, async () => {
    const { body, count } = await arrived(name, bytes)
    expect(body).toBe(bytes.join(""))
    expect(count).toBe(4)
  })

  it(`chunks of all sizes arrive in their order (${name})`, async () => {
    const { body } = await arrived(name, mixed)
    expect(body).toBe(mixed.join(""))
  })
}
