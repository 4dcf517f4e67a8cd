/**
 * The number of series at `GET /metrics` does not grow with what clients send: paths, methods, headers, bodies and user agents of which no two are
 * the same are counted under names that the service chose. Further waves of the same kinds, with other values, add next to no series.
 */
import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, expect, it } from "vitest"
import { call, parseRaw, raw } from "./support/client.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start({ quiet: true })
})
afterAll(() => service.close())

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "PROPFIND",
  "M-SEARCH",
  "SUBSCRIBE",
  "PURGE"
]
const ROUTES = [
  "streams",
  "stream-keys",
  "broadcasters",
  "webhook-endpoints",
  "events",
  "auth",
  "webhook",
  "errors",
  "health"
]

const random = () => randomBytes(6).toString("hex")

/** Those with labels, but for what this process's own requests for the metrics add. */
const series = async (): Promise<ReadonlyArray<string>> => {
  const { text } = await call(service, "GET", "/metrics")
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.slice(0, line.lastIndexOf(" ")))
    .filter((name) => name.includes("{") && !name.includes("/metrics"))
    .toSorted()
}

const request = (method: string, target: string, body = "") =>
  raw(
    service.port,
    `${method} ${target} HTTP/1.1\r\nHost: ${random()}\r\nUser-Agent: ${random()}\r\nX-Request-Id: ${random()}\r\n` +
      `X-Forwarded-For: ${random()}\r\nCookie: ${random()}\r\ntraceparent: 00-${random()}-01\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
  )

const authBody = () =>
  JSON.stringify({
    action: random(),
    path: random(),
    protocol: random(),
    id: random(),
    password: random(),
    ip: random(),
    userAgent: random()
  })

/** One of each kind, each with values of its own. */
const wave = async () => {
  const answers: Array<string> = []
  for (const method of METHODS) {
    for (const route of ROUTES) answers.push(await request(method, `/${route}/${random()}?${random()}=${random()}`))
    answers.push(await request(method, `/${random()}/${random()}`))
    answers.push(await request(method, `/%zz${random()}`))
    answers.push(await request(method, "/auth", authBody()))
    answers.push(await request(method, "/v1/mediamtx/events/ready", authBody()))
  }
  // What Node's parser refuses.
  for (const method of [random().toUpperCase(), "get", "BREW"]) answers.push(await request(method, `/${random()}`))
  answers.push(await raw(service.port, `${random()}\r\n\r\n`))
  return answers
}

it("does not grow with further waves of hostile requests, and is small", async () => {
  // Other files of this process have counted as well.
  const before = new Set(await series())
  const answers = await wave()
  expect(answers.filter((answer) => answer !== "" && parseRaw(answer).status >= 400).length).toBeGreaterThan(100)
  const first = await series()
  for (let waves = 0; waves < 5; waves++) await wave()
  const last = await series()
  // A limit that is reached has a counter of its own; each of the 800 requests has a dozen values that no other has.
  expect(last.length - first.length).toBeLessThan(10)
  // 13 kinds of requests, 11 methods, and 32 lines for each pair: far from the thousands of requests.
  const added = last.filter((name) => !before.has(name))
  expect(added.length).toBeLessThan(4_000)
  const values = added.flatMap((name) => [...name.matchAll(/="([^"]*)"/g)].map(([, value]) => value ?? ""))
  for (const value of values) expect(value).not.toMatch(/^[0-9a-f]{12}$/)
})

it("has one name for the methods that HTTP's conventions do not know", async () => {
  await request("PROPFIND", "/streams")
  const names = await series()
  const methods = new Set(names.flatMap((name) => /(?:^|[{,])(?:http_request_)?method="([^"]*)"/.exec(name)?.[1] ?? []))
  expect([...methods].toSorted()).toEqual([
    "DELETE",
    "GET",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "POST",
    "PUT",
    "_OTHER",
    "none"
  ])
})
