import { assert, describe, it } from "@effect/vitest"
import type { SendOutcome } from "@greenroom/core"
import { Effect } from "effect"
import { orderTo, senderOf, tcpServer } from "./receivers.ts"

const sentence = "The address is not of the public internet (WEBHOOKS_ALLOW_PRIVATE)"
const guarded = { allowPrivate: false }
const brief = (outcome: SendOutcome) => (outcome._tag === "Answered" ? [outcome.status] : [outcome.why, outcome.detail])

/** Addresses of 192.0.2.0/24 stand for public ones, so that no test leaves the machine. */
const documentation = (address: string) => address.startsWith("192.0.2.")

const server = tcpServer((socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))

describe("the guard", () => {
  it.live.each([
    ...["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "017700000001", "127.0.0.1.", "0", "0.0.0.0"],
    ...["[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"],
    ...["localhost", "localhost.", "LOCALHOST", "①②⑦.0.0.1", "127。0。0。1", "%31%32%37.0.0.1"]
  ])("sends nothing to %s", ([...host]) =>
    Effect.gen(function* () {
      const { port, seen } = yield* server
      for (const scheme of ["http", "https"]) {
        const sender = yield* senderOf(guarded)
        const outcome = yield* sender.send(orderTo(`${scheme}://${host.join("")}:${port}/`))
        // Some systems do not know the name with a dot at its end.
        const isUnknown = outcome._tag === "NoAnswer" && outcome.why === "name" && host.at(-1) === "."
        if (!isUnknown) assert.deepStrictEqual(brief(outcome), ["blocked", sentence])
      }
      assert.strictEqual(seen.connections, 0)
    })
  )

  it.live("lets all through when private places are allowed", () =>
    Effect.gen(function* () {
      const { port } = yield* server
      const sender = yield* senderOf({ allowPrivate: true })
      for (const host of ["127.0.0.1", "2130706433", "localhost"]) {
        const outcome = yield* sender.send(orderTo(`http://${host}:${port}/`))
        assert.include([200, "refused"], brief(outcome)[0], host)
      }
    })
  )

  it.live("refuses a name of which one address is private, whichever it is, at each send", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* server
      const lists = [["127.0.0.1"], ["192.0.2.1", "127.0.0.1"], ["127.0.0.1", "192.0.2.1"], ["192.0.2.1", "::1"]]
      for (const addresses of lists) {
        const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
        const sender = yield* senderOf({ ...guarded, allows: documentation, resolve: () => Promise.resolve(found) })
        for (const url of [`http://receiver.example:${port}/`, `https://receiver.example.:${port}/`]) {
          assert.deepStrictEqual(brief(yield* sender.send(orderTo(url))), ["blocked", sentence])
        }
      }
      assert.strictEqual(seen.connections, 0)
    })
  )

  it.live("refuses a name that was public a moment ago", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* server
      let allowed = "127.0.0.1"
      const sender = yield* senderOf({
        ...guarded,
        allows: (address) => address === allowed,
        resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }])
      })
      const url = `http://receiver.example:${port}/`
      assert.deepStrictEqual(brief(yield* sender.send(orderTo(url))), [200])
      allowed = ""
      assert.deepStrictEqual(brief(yield* sender.send(orderTo(url))), ["blocked", sentence])
      assert.strictEqual(seen.connections, 1)
    })
  )

  it.live.each(["http", "https"])(
    "writes no byte when only the connected socket shows a private place (%s)",
    (scheme) =>
      Effect.gen(function* () {
        const { port, seen, sockets } = yield* server
        let checks = 0
        // The look-up passes, and the check of the connected socket does not.
        const sender = yield* senderOf({
          ...guarded,
          allows: () => ++checks === 1,
          resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }])
        })
        const outcome = yield* sender.send(orderTo(`${scheme}://receiver.example:${port}/`))
        assert.deepStrictEqual(brief(outcome), ["blocked", sentence])
        assert.strictEqual(checks, 2)
        yield* Effect.callback<void>((resume) => {
          const ended = () => [...sockets].every((socket) => socket.destroyed)
          const look = () => (seen.connections === 1 && ended() ? resume(Effect.void) : void setTimeout(look, 5))
          look()
        })
        assert.strictEqual(seen.bytes, 0)
      })
  )

  it.live("asks once for a name that several sends wait for", () =>
    Effect.gen(function* () {
      const { port } = yield* server
      let asked = 0
      const { promise, resolve } = Promise.withResolvers<ReadonlyArray<{ address: string; family: number }>>()
      const sender = yield* senderOf({
        resolve: () => {
          asked += 1
          return promise
        }
      })
      const send = sender.send(orderTo(`http://receiver.example:${port}/`))
      const sends = Effect.all([send, send, send], { concurrency: "unbounded" })
      const release = Effect.sync(() => setTimeout(() => resolve([{ address: "127.0.0.1", family: 4 }]), 20))
      const outcomes = yield* Effect.andThen(release, sends)
      assert.deepStrictEqual(outcomes.map(brief), [[200], [200], [200]])
      assert.strictEqual(asked, 1)
    })
  )
})
