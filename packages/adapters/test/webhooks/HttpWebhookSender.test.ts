import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import * as Https from "node:https"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { SendOutcome } from "@greenroom/core"
import { Deferred, Effect, Fiber, Redacted } from "effect"
import { Webhook } from "standardwebhooks"
import { httpServer, orderTo, secret, senderOf, tcpServer } from "./receivers.ts"

const brief = (outcome: SendOutcome) =>
  outcome._tag === "Answered" ? [outcome.status, outcome.body] : [outcome.why, outcome.detail]

const sendTo = (url: string, options: Parameters<typeof senderOf>[0] = {}) =>
  Effect.flatMap(senderOf(options), (sender) => Effect.map(sender.send(orderTo(url)), brief))

describe("a request", () => {
  it.live("is a signed POST, and the answer is a value", () =>
    Effect.gen(function* () {
      const server = yield* httpServer((_, response) => response.writeHead(202, { "retry-after": "7" }).end("thanks"))
      const sender = yield* senderOf()
      const order = orderTo(`${server.url}?a=b%20c#there`, { body: '{"title":"Grüße"}' })
      const outcome = yield* sender.send(order)
      assert.isAtLeast(outcome.durationMillis, 0)
      assert.deepInclude(outcome, { _tag: "Answered", status: 202, retryAfterMillis: 7_000, body: "thanks" })
      const [one] = server.received
      assert.deepStrictEqual([one?.method, one?.url, one?.body], ["POST", "/hook?a=b%20c", '{"title":"Grüße"}'])
      assert.deepStrictEqual(Object.keys(one?.headers ?? {}).toSorted(), [
        ...["connection", "content-length", "content-type", "host", "user-agent"],
        ...["webhook-id", "webhook-signature", "webhook-timestamp"]
      ])
      const verified = new Webhook(Redacted.value(secret)).verify(one?.body ?? "", one?.headers as never)
      assert.deepStrictEqual(verified, { title: "Grüße" })
    })
  )

  it.live("to a redirect is answered with the redirect: nothing is followed", () =>
    Effect.gen(function* () {
      const target = yield* httpServer((_, response) => response.end())
      const server = yield* httpServer((_, response) => response.writeHead(307, { location: target.url }).end())
      assert.deepStrictEqual(yield* sendTo(server.url), [307, ""])
      assert.strictEqual(target.received.length, 0)
    })
  )

  it.live("asks neither a proxy of the environment nor the URL's credentials", () =>
    Effect.gen(function* () {
      const proxy = yield* tcpServer((socket) => socket.end())
      const server = yield* httpServer((_, response) => response.end("direct"))
      const names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "NODE_USE_ENV_PROXY"]
      const before = names.map((name) => process.env[name])
      for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`
      const answer = yield* Effect.ensuring(
        sendTo(server.url),
        Effect.sync(() => {
          for (const [index, name] of names.entries()) {
            if (before[index] === undefined) delete process.env[name]
            else process.env[name] = before[index]
          }
        })
      )
      assert.deepStrictEqual([answer, proxy.seen.connections], [[200, "direct"], 0])
      const credentials = yield* sendTo(server.url.replace("//", "//user:password@"))
      assert.deepStrictEqual(credentials, ["blocked", "Expected a URL without a user name and a password"])
    })
  )

  it.live("goes over a connection that was used before: those after each other have two at most", () =>
    Effect.gen(function* () {
      const server = yield* httpServer((_, response) => response.end())
      const sender = yield* senderOf()
      for (let i = 0; i < 5; i++) yield* sender.send(orderTo(server.url))
      assert.isAtMost(new Set(server.received.map(({ remotePort }) => remotePort)).size, 2)
    })
  )
})

describe("a body", () => {
  it.live("is kept to 1 KiB, without half a character, and the connection serves again when it was short", () =>
    Effect.gen(function* () {
      const server = yield* httpServer((_, response) => response.end(`${"x".repeat(1023)}ü${"y".repeat(30_000)}`))
      const sender = yield* senderOf()
      const send = sender.send(orderTo(server.url))
      const answers = yield* Effect.forEach(Array.from({ length: 5 }), () => send)
      assert.deepStrictEqual(answers.map(brief), Array(5).fill([200, "x".repeat(1023)]))
      assert.isAtMost(new Set(server.received.map(({ remotePort }) => remotePort)).size, 2)
    })
  )

  it.live("without an end is cut off after 64 KiB: the answer counts and the connection is closed", () =>
    Effect.gen(function* () {
      const closed = yield* Deferred.make<void>()
      const server = yield* httpServer((_, response) => {
        const pour = (): void => {
          while (response.write("x".repeat(16_384)));
        }
        response.on("drain", pour)
        response.on("close", () => Deferred.doneUnsafe(closed, Effect.void))
        pour()
      })
      assert.deepStrictEqual(yield* sendTo(server.url), [200, "x".repeat(1024)])
      yield* Deferred.await(closed)
    })
  )

  it.live("with bytes that are no UTF-8 is text all the same", () =>
    Effect.gen(function* () {
      const server = yield* httpServer((_, response) => response.end(Buffer.from([0x61, 0xff, 0x62])))
      assert.deepStrictEqual(yield* sendTo(server.url), [200, "a\ufffdb"])
    })
  )
})

const answering = (text: string) => tcpServer((socket) => void socket.end(text))

describe("no answer", () => {
  it.live("from a port where nothing listens is refused", () =>
    Effect.gen(function* () {
      const { url } = yield* Effect.scoped(tcpServer(() => undefined))
      assert.deepStrictEqual(yield* sendTo(url), ["refused", "No connection could be opened (ECONNREFUSED)"])
    })
  )

  it.live("from a receiver that resets, before and in the middle of its answer, is a reset", () =>
    Effect.gen(function* () {
      const before = yield* tcpServer((socket) => socket.resetAndDestroy())
      assert.strictEqual((yield* sendTo(before.url))[0], "reset")
      const closed = yield* tcpServer((socket) => socket.end())
      assert.strictEqual((yield* sendTo(closed.url))[0], "reset")
      const half = yield* answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
      assert.strictEqual((yield* sendTo(half.url))[0], "reset")
      assert.strictEqual(before.seen.connections, 1, "nothing is repeated")
    })
  )

  it.live.each<[string, string | null]>([
    ["hangs", null],
    ["hangs after its headers", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"]
  ])("from a receiver that %s is a time-out, and its connection is closed", ([, text]) =>
    Effect.gen(function* () {
      const closed = yield* Deferred.make<void>()
      const server = yield* tcpServer((socket) => {
        socket.once("close", () => Deferred.doneUnsafe(closed, Effect.void))
        if (text !== null) socket.write(text)
      })
      assert.deepStrictEqual(yield* sendTo(server.url, { within: 200 }), ["timeout", "No whole answer in time"])
      yield* Deferred.await(closed)
    })
  )

  it.live.each<[string, string, string]>([
    ["bytes of a body", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"],
    ["headers", "HTTP/1.1 200 OK\r\n", "x-more: 1\r\n"],
    ["early hints", "", "HTTP/1.1 103 Early Hints\r\n\r\n"]
  ])("from a receiver that drips %s without an end comes at the deadline", ([, head, drip]) =>
    Effect.gen(function* () {
      const server = yield* tcpServer((socket) => {
        socket.write(head)
        const timer = setInterval(() => socket.write(drip), 10)
        socket.once("close", () => clearInterval(timer))
      })
      assert.strictEqual((yield* sendTo(server.url, { within: 300 }))[0], "timeout")
    })
  )

  it.live("from a receiver with too many headers, or that does not speak HTTP, is of another kind", () =>
    Effect.gen(function* () {
      const many = yield* answering(`HTTP/1.1 200 OK\r\n${`x-filler: ${"x".repeat(1_000)}\r\n`.repeat(20)}\r\n`)
      assert.deepStrictEqual(yield* sendTo(many.url), [
        "other",
        "The headers of the answer are over 16 KiB (UND_ERR_HEADERS_OVERFLOW)"
      ])
      const nonsense = yield* answering("SSH-2.0-OpenSSH_9.6\r\n")
      assert.deepStrictEqual((yield* sendTo(nonsense.url))[0], "other")
      const upgrade = yield* answering("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
      assert.include(["other", "reset"], (yield* sendTo(upgrade.url))[0])
    })
  )

  it.live("from a name without an address has this as its reason", () =>
    Effect.gen(function* () {
      const resolve = () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" }))
      const answer = yield* sendTo("http://receiver.example/", { resolve })
      assert.deepStrictEqual(answer, ["name", "The name has no address (ENOTFOUND)"])
    })
  )

  it.live("from a URL that nothing can be sent to is a value, too", () =>
    Effect.gen(function* () {
      for (const url of ["", "receiver", "http://", "http://a:99999/"]) {
        assert.deepStrictEqual(yield* sendTo(url), ["other", "The URL cannot be read"])
      }
      assert.strictEqual((yield* sendTo("ftp://receiver.example/"))[0], "blocked")
      const sender = yield* senderOf()
      const server = yield* tcpServer(() => undefined)
      const bad = yield* sender.send(orderTo(server.url, { id: "a\r\nx-injected: 1" }))
      assert.deepStrictEqual([bad._tag, server.seen.bytes], ["NoAnswer", 0])
    })
  )

  it.live("after an interruption closes the connection", () =>
    Effect.gen(function* () {
      const [asked, closed] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const server = yield* tcpServer((socket) => {
        socket.once("close", () => Deferred.doneUnsafe(closed, Effect.void))
        Deferred.doneUnsafe(asked, Effect.void)
      })
      const sender = yield* senderOf()
      const fiber = yield* Effect.forkChild(sender.send(orderTo(server.url)))
      yield* Deferred.await(asked)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(closed)
    })
  )
})

describe("receivers beside each other", () => {
  it.live("a receiver that hangs, with as many sends as it may have connections, keeps no other waiting", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const hung = yield* tcpServer(() => {
        if (hung.seen.connections === 64) Deferred.doneUnsafe(asked, Effect.void)
      })
      const server = yield* httpServer((_, response) => response.end())
      const sender = yield* senderOf()
      const hanging = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 100 }), () => sender.send(orderTo(hung.url)), { concurrency: "unbounded" })
      )
      yield* Deferred.await(asked)
      const outcome = yield* sender.send(orderTo(server.url))
      assert.deepStrictEqual(brief(outcome), [200, ""])
      assert.strictEqual(hung.seen.connections, 64)
      yield* Fiber.interrupt(hanging)
    })
  )
})

describe("TLS", () => {
  const certified = Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(path.join(tmpdir(), "webhooks-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ).pipe(
    Effect.map((folder) => {
      const [key, certificate] = [path.join(folder, "server.key"), path.join(folder, "server.crt")]
      const made = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
      const more = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
      execFileSync("openssl", [...made, ...more, "-keyout", key, "-out", certificate], { stdio: "ignore" })
      return { key: readFileSync(key, "utf8"), cert: readFileSync(certificate, "utf8") }
    })
  )

  it.live("a certificate is verified, by its issuer and by the name in the URL", () =>
    Effect.gen(function* () {
      const { key, cert } = yield* certified
      const server = yield* httpServer(
        (_, response) => response.end("over TLS"),
        (listener) => Https.createServer({ key, cert }, listener)
      )
      const url = `https://localhost:${server.port}/`
      const resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }])
      const options = { resolve, requireTls: true }
      assert.deepStrictEqual(yield* sendTo(url, { ...options, ca: cert }), [200, "over TLS"])
      assert.strictEqual((yield* sendTo(url, options))[0], "tls")
      const wrongName = `https://other.example:${server.port}/`
      assert.strictEqual((yield* sendTo(wrongName, { ...options, ca: cert }))[0], "tls")
      assert.strictEqual(server.received.length, 1)
    })
  )

  it.live("a receiver without it is a failure of TLS; with WEBHOOKS_REQUIRE_TLS plain HTTP is not sent at all", () =>
    Effect.gen(function* () {
      const server = yield* httpServer((_, response) => response.end())
      assert.strictEqual((yield* sendTo(server.url.replace("http:", "https:")))[0], "tls")
      const refused = yield* sendTo(server.url, { requireTls: true })
      assert.deepStrictEqual(refused, ["blocked", "Expected a URL of https (WEBHOOKS_REQUIRE_TLS)"])
      assert.strictEqual(server.received.length, 0)
    })
  )
})
