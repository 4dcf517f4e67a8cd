/** A connection in pieces: everything arrives, in order, with its end; and what is held does not. */
import { once } from "node:events"
import net from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { MeteredSocket } from "../../../src/http/listener/MeteredSocket.ts"
import { TurnBudget } from "../../../src/http/listener/TurnBudget.ts"

const server = net.createServer({ allowHalfOpen: true })
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)))
afterAll(() => void server.close())

const pair = async (budget = new TurnBudget(10)) => {
  const { port } = server.address() as net.AddressInfo
  const client = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true })
  const [socket] = (await once(server, "connection")) as [net.Socket]
  return { client, metered: new MeteredSocket(socket, budget), socket }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const text = Array.from({ length: 20_000 }, (_, n) => `line ${n}\n`).join("")

describe("a metered socket", () => {
  it("gives everything in pieces, in order, and then the end", async () => {
    const { client, metered } = await pair()
    const pieces: Array<Buffer> = []
    metered.on("data", (piece) => pieces.push(piece))
    client.end(text)
    await once(metered, "end")
    expect(Buffer.concat(pieces).toString()).toBe(text)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(1024)
    metered.destroy()
  })

  it("gives nothing more while it is held, whatever resumes it, and the rest afterwards", async () => {
    const { client, metered, socket } = await pair()
    const pieces: Array<Buffer> = []
    let held = 0
    metered.on("data", (piece) => {
      pieces.push(piece)
      if (pieces.length > 1) return
      metered.hold()
      held = Buffer.concat(pieces).length
    })
    client.end(text)
    await once(metered, "pause")
    // Until the operating system's buffers have filled the socket's own.
    await expect.poll(() => socket.readableLength).toBeGreaterThan(0)
    for (let turns = 0; turns < 20; turns++) {
      metered.resume()
      await turn()
    }
    expect(Buffer.concat(pieces).length).toBe(held)
    metered.release()
    await once(metered, "end")
    expect(Buffer.concat(pieces).toString()).toBe(text)
    metered.destroy()
  })

  it("shares the turns of the event loop with others", async () => {
    const budget = new TurnBudget(0.01)
    const [one, other] = [await pair(budget), await pair(budget)]
    const order: Array<string> = []
    one.metered.on("data", () => order.push("one"))
    other.metered.on("data", () => order.push("other"))
    one.client.end(text)
    other.client.end(text)
    await Promise.all([once(one.metered, "end"), once(other.metered, "end")])
    // Neither is read to its end before the other is begun.
    expect(order.lastIndexOf("one")).toBeGreaterThan(order.indexOf("other"))
    expect(order.lastIndexOf("other")).toBeGreaterThan(order.indexOf("one"))
    one.metered.destroy()
    other.metered.destroy()
  })

  it("writes, ends and closes as its socket does", async () => {
    const { client, metered } = await pair()
    let received = ""
    client.setEncoding("utf8").on("data", (chunk) => {
      received += chunk
    })
    metered.cork()
    metered.write("a")
    metered.write(Buffer.from("b"))
    metered.write("c")
    metered.uncork()
    metered.resume()
    metered.end("d")
    await once(client, "end")
    expect(received).toBe("abcd")
    client.end()
    await once(metered, "close")
  })

  it.each([
    ["the client resets it", (client: net.Socket) => client.resetAndDestroy()],
    ["the client goes", (client: net.Socket) => client.destroy()]
  ])("closes when %s", async (_, leave) => {
    const { client, metered } = await pair()
    metered.on("error", () => {}).resume()
    leave(client)
    if (!metered.destroyed) {
      metered.once("end", () => metered.end())
      await new Promise((resolve) => metered.once("close", resolve))
    }
    expect(metered.destroyed).toBe(true)
  })
})
