/**
 * The route in front of the router and the router's own answer alike: what is sent with its length is answered by the first, what is sent
 * in chunks by the second.
 */
import http from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Exit, Logger, Scope } from "effect"
import { afterAll, beforeAll, expect } from "vitest"
import { cases, element, jsonValues, keyValues, oneOf, pathish, texts } from "../../../core/test/support/arbitraries.ts"
import { directHandler } from "../../src/http/direct/directHandler.ts"
import { parseRaw, raw } from "./support/client.ts"
import { HOOK_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start({ hookSecret: HOOK_SECRET })
})
afterAll(() => service.close())

const head = (headers: ReadonlyArray<string>) =>
  ["POST /auth?x=1 HTTP/1.1", "Host: x", "Connection: close", "X-Request-ID: same", ...headers, "", ""].join("\r\n")

const answers = async (body: string, headers: ReadonlyArray<string>) => {
  const bytes = Buffer.from(body)
  const text = bytes.toString("latin1")
  const whole = [...headers, `Content-Length: ${bytes.length}`]
  const pieces = [...headers, "Transfer-Encoding: chunked"]
  const chunk = bytes.length === 0 ? "" : `${bytes.length.toString(16)}\r\n${text}\r\n`
  const replies: Array<ReturnType<typeof parseRaw>> = []
  for (const request of [head(whole) + text, `${head(pieces)}${chunk}0\r\n\r\n`]) {
    replies.push(parseRaw(await raw(service.port, Buffer.from(request, "latin1"))))
  }
  return replies.map((reply) => {
    reply.headers.delete("date")
    // Each decision about a viewer has an id of its own.
    reply.headers.set("x-decision-id", String(reply.headers.has("x-decision-id")))
    return { ...reply, body: reply.body.replace(/"decision_id":"[^"]+"/, '"decision_id":"any"') }
  })
}

const authorizations = [
  `Authorization: Bearer ${HOOK_SECRET}`,
  `Authorization: Basic ${Buffer.from(`mediamtx:${HOOK_SECRET}`).toString("base64")}`
]
const fields = Arbitrary.all({
  action: element(["publish", "read", "playback", "api", "metrics", "pprof", "else", null]),
  path: pathish,
  protocol: oneOf<unknown>([element(["rtmp", "moq", "", null]), texts]),
  id: oneOf<unknown>([element(["c1", null, ""]), texts, jsonValues]),
  password: oneOf<unknown>([keyValues, texts, element([null])]),
  ip: element(["203.0.113.9"])
})
const bodies = oneOf<string>([
  Arbitrary.map(fields, (body) => JSON.stringify(body)),
  Arbitrary.map(jsonValues, (value) => JSON.stringify(value) ?? ""),
  texts
])

describe("an auth call", () => {
  it.effect.prop(
    "has the same answer with its length and in chunks",
    [bodies, element(authorizations)],
    ([body, authorization]) =>
      Effect.promise(async () => {
        const [whole, chunked] = await answers(body, [authorization])
        assert.deepStrictEqual(whole, chunked)
      }),
    cases(100)
  )

  it.effect.prop(
    "has the same answer whatever its headers are",
    [
      element([...authorizations, "Authorization: Bearer wrong", "X-None: x", "Origin: http://x"]),
      element(["", "text/plain", "application/json; charset=latin1", "application/json"]),
      element(["", "gzip", "identity"])
    ],
    ([authorization, type, encoding]) =>
      Effect.promise(async () => {
        const headers = [
          authorization,
          ...(type === "" ? [] : [`Content-Type: ${type}`]),
          ...(encoding === "" ? [] : [`Content-Encoding: ${encoding}`])
        ]
        const [whole, chunked] = await answers('{"action":"read","path":"live/x"}', headers)
        if (whole?.status !== 429) assert.deepStrictEqual(whole, chunked)
      }),
    cases(60)
  )

  it("leaves the same line in the log, and counts the same", async () => {
    service.lines.length = 0
    const body = { action: "publish", path: "live/x", protocol: "rtmp", id: "c1", password: `sk_${"x".repeat(43)}` }
    await answers(JSON.stringify(body), [authorizations[0] ?? ""])
    await expect.poll(() => service.requests().length).toBe(2)
    const [whole, chunked] = service
      .requests()
      .map(({ level, annotations: { duration_ms: _, ...annotations } }) => ({ level, annotations }))
    expect(whole).toEqual(chunked)
    expect(whole).toMatchObject({
      level: "Info",
      annotations: { route: "/auth", status: 401, reason: "invalid_stream_key" }
    })
  })
})

describe("a client that leaves", () => {
  it("before its body is whole leaves a line with status 499, and nothing that runs", async () => {
    service.lines.length = 0
    await raw(service.port, `${head([authorizations[0] ?? "", "Content-Length: 100"])}{`, (socket) =>
      setImmediate(() => socket.destroy())
    )
    await expect.poll(() => service.requests().map(({ annotations }) => annotations.status)).toContain(499)
  })
})

describe("a direct route that breaks", () => {
  it("is answered with 500 and logged, and the process goes on", async () => {
    const logged: Array<string> = []
    const logger = Logger.layer([Logger.make(({ cause }) => void logged.push(String(cause)))])
    const scope = Scope.makeUnsafe()
    const handler = await Effect.runPromise(
      directHandler({
        method: "POST",
        path: "/broken",
        takes: () => true,
        answer: (): Effect.Effect<string> => {
          throw new Error("a defect of the route")
        }
      }).pipe(Scope.provide(scope), Effect.provide(logger))
    )
    const server = http.createServer((request, response) => void handler(request, response))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const sent = "POST /broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    const reply = parseRaw(await raw(port, sent))
    expect(reply.status).toBe(500)
    expect(JSON.parse(reply.body)).toMatchObject({ type: "/errors/internal" })
    await expect.poll(() => logged.join()).toContain("a defect of the route")
    server.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })
})
