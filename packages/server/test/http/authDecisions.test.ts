/** `GET /auth-decisions`: each answer of `/auth` is found under its id, with why and what to do; and no key is in it. */
import { admissionRules, type RuleName } from "@greenroom/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, call, newKey, publishCall } from "./support/client.ts"
import { connectedCall } from "./support/media.ts"
import { API_SECRET, HOOK_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
afterAll(() => service.close())

const ask = (body: unknown, on = service, secret: string | null = null): Promise<Answer> =>
  call(on, "POST", "/auth", {
    body,
    secret: null,
    headers: secret === null ? {} : { authorization: `Bearer ${secret}` }
  })

const listed = async (query: Record<string, string>, on = service) => {
  const answer = await call(on, "GET", `/auth-decisions?${new URLSearchParams(query)}`)
  expect(answer.status).toBe(200)
  return answer.json.auth_decisions as ReadonlyArray<Record<string, unknown>>
}

/** The record of an answer; it is written about a second after it. */
const recordOf = async (answer: Answer, query: Record<string, string>, on = service) => {
  const id = answer.headers.get("x-decision-id")
  expect(id).toMatch(/^[0-9a-f-]{36}$/)
  const find = async () => (await listed(query, on)).find((decision) => decision.id === id)
  await expect.poll(find, { timeout: 20_000, interval: 50 }).toBeDefined()
  return (await find())!
}

let paths = 0
const newPath = () => `live/decision-${++paths}`

describe("a refusal", () => {
  const key = `sk_${"u".repeat(43)}`
  const cases: ReadonlyArray<readonly [RuleName, Record<string, unknown>, string | null]> = [
    ["invalid_stream_key", { password: key }, "sk_uuuu"],
    ["invalid_stream_key", { password: "x", user: key }, "sk_uuuu"],
    ["invalid_stream_key", { password: "", token: "", query: `stream=${key}` }, "sk_uuuu"],
    ["invalid_stream_key", { password: key.slice(0, 30) }, "sk_uuuu"],
    ["invalid_stream_key", { password: "hunter2" }, null],
    ["key_misplaced", { password: `${key} ${key.replaceAll("u", "w")}` }, "sk_uuuu"],
    ["protocol_not_supported", { protocol: "carrier-pigeon", password: key }, "sk_uuuu"],
    ["unknown_action", { action: "dance" }, null]
  ]
  it.each(cases)("by %s with %j is found by its path, with the beginning %s", async (rule, fields, keyPrefix) => {
    const path = newPath()
    const answer = await ask(publishCall("", { path, ip: "203.0.113.9", userAgent: "test/1", ...fields }))
    expect(answer.status).toBe(401)
    const { reason, remedy } = admissionRules[rule]
    expect(answer.json).toMatchObject({
      code: reason,
      remedy,
      decision_id: answer.headers.get("x-decision-id")
    })
    expect(await recordOf(answer, { path })).toMatchObject({
      outcome: "refuse",
      reason,
      rule,
      remedy,
      detail: answer.json.detail,
      path,
      ip: "203.0.113.9",
      user_agent: "test/1",
      key_prefix: keyPrefix,
      count: 1,
      instance: "test"
    })
    const line = service.requests().find(({ annotations }) => annotations.decision_id === answer.json.decision_id)
    expect(line?.annotations).toMatchObject({ reason, rule })
  })

  it("of a key in the path has neither the key nor the path with it, and is found by either", async () => {
    const path = `live/${key}`
    const answer = await ask(publishCall("", { path }))
    const record = await recordOf(answer, { path })
    expect(record).toMatchObject({ rule: "key_in_path", path: "live/sk_uuuu…", key_prefix: "sk_uuuu" })
    expect(await recordOf(answer, { key_prefix: "sk_uuuu", path: "live/sk_uuuu…" })).toEqual(record)
  })

  it("has the facts: whose the key is, what it is limited to, and who has it", async () => {
    const path = newPath()
    const limited = await newKey(service, { path })
    const admitted = await ask(await connectedCall(service, limited.key_value, path))
    const refused = await ask(publishCall(limited.key_value, { path }))
    expect(refused.json.code).toBe("stream_key_in_use")
    const record = await recordOf(refused, { path, reason: "stream_key_in_use" })
    expect(record).toMatchObject({
      stream_key_id: limited.id,
      broadcaster_id: limited.broadcaster_id,
      key_prefix: limited.key_prefix,
      facts: {
        key: { id: limited.id, status: "valid", path, expires_at: null, revoked_at: null },
        held_by: [{ stream_id: admitted.json.stream_id, path, protocol: "rtsp", stopping: false, same_key: true }],
        path_owned_by_other: false
      }
    })
    expect(await recordOf(admitted, { broadcaster_id: limited.broadcaster_id })).toMatchObject({
      outcome: "allow",
      reason: null,
      rule: "admitted",
      remedy: null,
      stream_id: admitted.json.stream_id,
      stream_key_id: limited.id
    })
  })

  it("that is repeated is one record with a count", async () => {
    const path = newPath()
    const asked = () => ask(publishCall("hunter2", { path }))
    const first = await asked()
    for (let times = 0; times < 4; times++) expect((await asked()).json.decision_id).toBe(first.json.decision_id)
    await expect
      .poll(async () => (await listed({ path })).map(({ count }) => count), { timeout: 20_000, interval: 50 })
      .toEqual([5])
  })

  it("without a key is found when no call with a key follows", async () => {
    const path = newPath()
    const answer = await ask(publishCall("", { path }))
    expect(await recordOf(answer, { path })).toMatchObject({ rule: "no_key", key_prefix: null })
  })

  it("without a key that a call with the key follows is not kept", async () => {
    const path = newPath()
    const { key_value } = await newKey(service, { path })
    const body = await connectedCall(service, key_value, path)
    await ask({ ...body, password: "", token: "" })
    await recordOf(await ask(body), { path })
    await recordOf(await ask(publishCall("", { path: newPath() })), { reason: "unauthorized" })
    expect((await listed({ path })).map(({ rule }) => rule)).toEqual(["admitted"])
  })
})

describe("what is decided about no publisher", () => {
  it("a viewer has an id, and no record", async () => {
    const path = newPath()
    const answer = await ask({ action: "read", path, protocol: "hls" })
    expect([answer.status, answer.headers.get("x-decision-id")]).toEqual([200, expect.stringMatching(/-/)])
    await recordOf(await ask(publishCall("x", { path: newPath() })), {})
    expect(await listed({ path })).toEqual([])
  })

  it("a wrong API secret is no stream key, whatever it looks like", async () => {
    const answer = await ask({ action: "metrics", path: "", password: `sk_${"v".repeat(43)}` })
    expect(await recordOf(answer, { reason: "unauthorized" })).toMatchObject({
      rule: "api_secret_needed",
      key_prefix: null,
      path: null
    })
  })

  it("a call with a wrong hook secret is found by the caller's address", async () => {
    const guarded = await start({ hookSecret: HOOK_SECRET })
    try {
      const answer = await ask(publishCall("x"), guarded, "wrong")
      expect([answer.status, answer.json.decision_id]).toEqual([401, answer.headers.get("x-decision-id")])
      const record = await recordOf(answer, { reason: "hook_secret", ip: "127.0.0.1" }, guarded)
      expect(record).toMatchObject({ rule: "hook_secret", remedy: expect.stringContaining("HOOK_SECRET") })
    } finally {
      await guarded.close()
    }
  })

  it("a call that the store did not answer is found once it answers again", async () => {
    const path = newPath()
    service.trouble("down")
    const answer = await ask(publishCall(`sk_${"t".repeat(43)}`, { path }))
    expect([answer.status, answer.json.decision_id]).toEqual([503, answer.headers.get("x-decision-id")])
    service.trouble("none")
    expect(await recordOf(answer, { path, outcome: "unavailable" })).toMatchObject({
      reason: "store_unavailable",
      key_prefix: "sk_tttt"
    })
  })
})

describe("the list", () => {
  it.each([
    ["key_prefix=hunter2", "/key_prefix"],
    [`key_prefix=sk_${"a".repeat(43)}`, "/key_prefix"],
    ["reason=bad_luck", "/reason"],
    ["outcome=maybe", "/outcome"],
    ["since=yesterday", "/since"],
    ["broadcaster_id=1", "/broadcaster_id"],
    ["path=%00", "/path"],
    ["limit=0", "/limit"]
  ])("refuses %s", async (query, pointer) => {
    const answer = await call(service, "GET", `/auth-decisions?${query}`)
    expect([answer.status, answer.json.errors?.map((error: { pointer: string }) => error.pointer)]).toEqual([
      400,
      [pointer]
    ])
  })

  it("comes in pages", async () => {
    const first = await call(service, "GET", "/auth-decisions?limit=2")
    expect([first.json.count, first.json.next_cursor]).toEqual([2, expect.any(String)])
    const next = await call(service, "GET", `/auth-decisions?limit=2&cursor=${first.json.next_cursor}`)
    const ids = [...first.json.auth_decisions, ...next.json.auth_decisions].map(({ id }) => id)
    expect(new Set(ids).size).toBe(4)
  })

  it("holds no secret", async () => {
    const { text } = await call(service, "GET", "/auth-decisions?limit=200")
    for (const secret of [API_SECRET, "hunter2", `sk_${"u".repeat(20)}`]) expect(text).not.toContain(secret)
  })
})
