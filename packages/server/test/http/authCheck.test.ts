/** `POST /auth/check`: in each form in which people have an encoder's settings, the answer that `/auth` gives; and no key comes back. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { type Answer, call, newKey, publishCall } from "./support/client.ts"
import { connectedCall } from "./support/media.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
afterEach(() => service.trouble("none"))
afterAll(() => service.close())

const check = (body: unknown): Promise<Answer> => call(service, "POST", "/auth/check", { body })

const outcomes = (answer: Answer) =>
  Object.fromEntries(answer.json.checks.map((one: { check: string; outcome: string }) => [one.check, one.outcome]))

const unknown = `sk_${"q".repeat(43)}`

type Setting = readonly [name: string, body: (key: string, path: string) => object, foundIn: string, protocol: string]

const settings: ReadonlyArray<Setting> = [
  ["an RTMP URL", (key, path) => ({ url: `rtmp://host/${path}?user=any&pass=${key}` }), "password", "rtmp"],
  ["OBS", (key, path) => ({ server: "rtmp://host", stream_key: `${path}?user=any&pass=${key}` }), "password", "rtmp"],
  ["an RTSP URL", (key, path) => ({ url: `rtsp://any:${key}@host:8554/${path}` }), "password", "rtsp"],
  ["an RTSP URL, the key as the user", (key, path) => ({ url: `rtsp://${key}:@host/${path}` }), "user", "rtsp"],
  ["an SRT URL", (key, path) => ({ url: `srt://host:8890?streamid=publish:${path}:any:${key}` }), "password", "srt"],
  ["an SRT stream id", (key, path) => ({ streamid: `#!::m=publish,r=${path},s=${key}` }), "password", "srt"],
  ["WHIP", (key, path) => ({ url: `https://host/${path}/whip`, bearer: key }), "token", "webrtc"],
  [
    "the media server's call",
    (key, path) => ({ ...publishCall(key, { path }), id: "4711", userAgent: "x" }),
    "password",
    "rtmp"
  ]
]

describe.each(settings)("%s", (_, settingOf, found_in, protocol) => {
  it("of a good key is let in, check by check", async () => {
    const key = await newKey(service)
    const answer = await check(settingOf(key.key_value, `live/${key.id}`))
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      parsed: {
        protocol,
        action: "publish",
        path: `live/${key.id}`,
        credential: { found_in, key_prefix: key.key_prefix }
      },
      decision: "allow",
      reason: null,
      remedy: null,
      stream_key_id: key.id,
      recent: []
    })
    expect(new Set(Object.values(outcomes(answer)))).toEqual(new Set(["passed", "skipped"]))
    expect(outcomes(answer).in_use).toBe("passed")
    expect((await call(service, "GET", `/streams?stream_key_id=${key.id}`)).json.count).toBe(0)
  })

  it("of an unknown key is refused, with its beginning and nothing more", async () => {
    const answer = await check(settingOf(unknown, "live/some"))
    expect(answer.json).toMatchObject({
      decision: "refuse",
      reason: "invalid_stream_key",
      parsed: { credential: { found_in, key_prefix: "sk_qqqq" } },
      stream_key_id: null
    })
    expect(outcomes(answer)).toMatchObject({
      path: "passed",
      credential: "passed",
      key: "failed",
      key_status: "skipped"
    })
    expect(answer.text).not.toContain("sk_qqqqq")
    expect(JSON.stringify(service.lines)).not.toContain("sk_qqqqq")
  })
})

it("a key and a path, without the key's value: what /auth answers to the value", async () => {
  const key = await newKey(service, { path: "live/own-1" })
  const question = { stream_key_id: key.id, path: "live/own-1" }
  expect((await check(question)).json).toMatchObject({ decision: "allow", facts: { key: { path: "live/own-1" } } })
  expect((await check({ ...question, path: "live/own-2" })).json).toMatchObject({ rule: "path_outside_limit" })
  const body = await connectedCall(service, key.key_value, "live/own-1")
  const admitted = await call(service, "POST", "/auth", { body, secret: null })
  const inUse = await check(question)
  expect(inUse.json).toMatchObject({
    reason: "stream_key_in_use",
    facts: { held_by: [{ stream_id: admitted.json.stream_id, same_key: true }] }
  })
  const refused = await call(service, "POST", "/auth", {
    body: publishCall(key.key_value, { path: "live/own-1" }),
    secret: null
  })
  expect([refused.json.detail, refused.json.remedy]).toEqual([inUse.json.detail, inUse.json.remedy])
  await expect
    .poll(async () => (await check(question)).json.recent.map(({ id }: { id: string }) => id), {
      timeout: 20_000,
      interval: 50
    })
    .toContain(refused.json.decision_id)
  await call(service, "DELETE", `/stream-keys/${key.id}`)
  expect((await check(question)).json).toMatchObject({
    reason: "stream_key_revoked",
    remedy: "Issue a new stream key."
  })
})

describe("what no question is made of", () => {
  const url = "rtmp://host/live/x"
  it.each<readonly [string, unknown, ReadonlyArray<string>]>([
    ["nothing", {}, [""]],
    ["nulls", { url: null, server: null }, [""]],
    ["a path alone", { path: "live/x" }, [""]],
    ["two forms", { url, server: "rtmp://host", streamid: "x" }, ["/server", "/streamid"]],
    ["a bearer without a URL", { bearer: "x" }, ["/url"]],
    ["half of OBS", { server: "rtmp://host/live" }, ["/stream_key"]],
    ["the other half", { stream_key: "x" }, ["/server"]],
    ["a key without a path", { stream_key_id: "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11" }, ["/path"]],
    ["no id of a key", { stream_key_id: "1", path: "live/x" }, ["/stream_key_id"]],
    ["the id of no key", { stream_key_id: "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11", path: "live/x" }, ["/stream_key_id"]],
    ["the media server's call without an action", { path: "live/x", password: "x" }, ["/action"]],
    ["a call for the API secret", { action: "api", path: "" }, ["/action"]],
    ["a mistyped field", { url, baerer: "x" }, ["/baerer"]],
    ["a number", { url: 1 }, ["/url"]],
    ["a list with a key", { url: [`rtmp://host/live/x?pass=${unknown}`] }, ["/url"]],
    ["no URL", { url: `host/live/x?pass=${unknown}` }, ["/url"]],
    ["another protocol", { url: `ftp://host/live/${unknown}` }, ["/url"]],
    ["a web page", { url: "https://host/live/x" }, ["/url"]],
    ["an SRT URL without a stream id", { url: "srt://host:8890" }, ["/url"]],
    ["a stream id without an action", { streamid: `live/x:any:${unknown}` }, ["/streamid"]],
    ["a long URL", { url: `${url}?${"x".repeat(9_000)}` }, ["/url"]]
  ])("%s", async (_, body, pointers) => {
    const answer = await check(body)
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual(pointers)
    expect(answer.text + JSON.stringify(service.lines)).not.toContain("sk_qqqqq")
  })
})

it("is a 503 where /auth would be one", async () => {
  service.trouble("down")
  assertProblem(await check({ url: `rtmp://host/live/x?pass=${unknown}` }), "store-unavailable")
})

it("leaves no decision in the log", async () => {
  const path = "live/only-asked"
  await check({ url: `rtmp://host/${path}?pass=${unknown}` })
  const after = await call(service, "POST", "/auth", {
    body: publishCall("x", { path: "live/really-asked" }),
    secret: null
  })
  const listed = async (query: string) =>
    (await call(service, "GET", `/auth-decisions?${query}`)).json.auth_decisions as ReadonlyArray<{ id: string }>
  await expect
    .poll(async () => (await listed("path=live/really-asked")).map(({ id }) => id), { timeout: 20_000, interval: 50 })
    .toEqual([after.json.decision_id])
  expect(await listed(`path=${path}`)).toEqual([])
})
