/** The audit log: every operation that changes something leaves exactly one entry, refused ones too, and no secret is in any of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call, newBroadcaster } from "./support/client.ts"
import { publicJwk, UNKNOWN_ID } from "./support/endpoints.ts"
import { newToken, type Operation, operationsOf, play, type Things, thingsOf } from "./support/operations.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

let service: Service
let operations: ReadonlyArray<Operation>
beforeAll(async () => {
  service = await start()
  operations = (await operationsOf(service)).filter(({ changes }) => changes)
}, 60_000)
afterAll(() => service.close())

// biome-ignore lint/suspicious/noExplicitAny: entries are looked into
type Entry = any

/** Whole, newest first. */
const entries = async (query = ""): Promise<ReadonlyArray<Entry>> => {
  const found: Array<Entry> = []
  let cursor = ""
  do {
    const { json } = await call(service, "GET", `/audit-logs?limit=200${query}${cursor}`)
    found.push(...json.audit_logs)
    cursor = json.next_cursor === null ? "" : `&cursor=${json.next_cursor}`
  } while (cursor !== "")
  return found
}

/** The entries that the call left. */
const leftBy = async (act: () => Promise<unknown>): Promise<ReadonlyArray<Entry>> => {
  const before = new Set((await entries()).map(({ id }) => id))
  await act()
  return (await entries()).filter(({ id }) => !before.has(id))
}

/** A viewer goes with its stream. */
const deletes = ({ id, method }: Operation) => Number(method === "DELETE" && id !== "viewers.kick")
const ordered = () => [...operations].sort((a, b) => deletes(a) - deletes(b))

const WRONG_CREDENTIALS_ALLOWED = 7

describe("every operation that changes something", () => {
  it("leaves exactly one entry when it is done, with the credential, the resource and the request", async () => {
    const added = await call(service, "POST", "/signing-keys", { body: { public_key: publicJwk, id: "done" } })
    const things = { ...(await thingsOf(service, "done")), "signing-keys": added.json.id as string }
    for (const operation of ordered()) {
      let id = ""
      const left = await leftBy(async () => {
        const answer = await play(service, operation, things, API_SECRET)
        expect([operation.id, answer.status < 400]).toEqual([operation.id, true])
        id = answer.headers.get("x-request-id") ?? ""
      })
      expect([operation.id, left.map(({ outcome }) => outcome)]).toEqual([operation.id, ["succeeded"]])
      expect(left[0]).toMatchObject({
        actor: { type: "secret", token_id: null },
        outcome: "succeeded",
        reason: null,
        address: "127.0.0.1",
        request_id: id
      })
      expect(left[0].user_agent).toMatch(/node|undici/)
      if (operation.path.includes("{id}")) expect(Object.values(things)).toContain(left[0].resource_id)
    }
  }, 60_000)

  it("leaves exactly one entry when its id is unknown", async () => {
    const textIds: Things = { "playback-tokens": "unknownunknown00", "signing-keys": "unknown" }
    const unknown: Things = new Proxy(textIds, { get: (known, name: string) => known[name] ?? UNKNOWN_ID })
    for (const operation of operations.filter(({ path }) => path.includes("{id}"))) {
      const left = await leftBy(() => play(service, operation, unknown, API_SECRET))
      expect([operation.id, left.map(({ outcome, reason, resource_id }) => [outcome, reason, resource_id])]).toEqual([
        operation.id,
        [["refused", expect.stringMatching(/^(stream_)?not_found$/), unknown[operation.path.split("/")[1]!]]]
      ])
    }
  }, 60_000)

  it("leaves exactly one entry when its body is wrong", async () => {
    const things = await thingsOf(service, "wrong")
    for (const operation of operations.filter(({ body }) => body !== undefined)) {
      const left = await leftBy(() => play(service, { ...operation, body: '{"unknown_field": ' }, things, API_SECRET))
      expect([operation.id, left.map(({ outcome, reason }) => [outcome, reason])]).toEqual([
        operation.id,
        [["refused", "validation"]]
      ])
    }
  }, 60_000)

  it("leaves exactly one entry when the token lacks the scope, with the token's name", async () => {
    const { id, token } = await newToken(service, { scopes: ["events:read"], name: "a reader" })
    const things = await thingsOf(service, "lacking")
    for (const operation of operations.filter(({ scope }) => scope !== null)) {
      const left = await leftBy(() => play(service, operation, things, token))
      expect([operation.id, left.map(({ outcome, reason }) => [outcome, reason])]).toEqual([
        operation.id,
        [["refused", "forbidden"]]
      ])
      expect(left[0].actor).toEqual({ type: "token", token_id: id, name: "a reader" })
    }
  }, 60_000)

  it("leaves exactly one entry when the credential is wrong, and the log names the operation", async () => {
    const things = await thingsOf(service, "refused")
    // One network may be wrong so often before it is throttled.
    for (const operation of operations.slice(0, WRONG_CREDENTIALS_ALLOWED)) {
      const left = await leftBy(() => play(service, operation, things, "wrong-secret"))
      expect([operation.id, left.map(({ outcome, reason, actor }) => [outcome, reason, actor.type])]).toEqual([
        operation.id,
        [["refused", "unauthorized", "unknown"]]
      ])
    }
  }, 60_000)
})

describe("what is refused", () => {
  it("is limited for callers that are not known, and counted", async () => {
    const own = await start()
    const dropped = async () => {
      const { text } = await call(own, "GET", "/metrics", { secret: null })
      return Number(/greenroom_audit_entries_dropped_total\{[^}]*reason="limit"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0)
    }
    try {
      const before = await dropped()
      for (let index = 0; index < 40; index++) await call(own, "POST", "/broadcasters", { secret: null, body: {} })
      const { json } = await call(own, "GET", "/audit-logs")
      expect(json.audit_logs).toHaveLength(10)
      expect((await dropped()) - before).toBe(30)
    } finally {
      await own.close()
    }
  })

  it("is recorded of a credential also where nothing is changed, but not of a request without one", async () => {
    const wrong = await leftBy(() => call(service, "GET", "/streams", { secret: "wrong" }))
    expect(wrong.map(({ action, reason }) => [action, reason])).toEqual([["api.authenticate", "unauthorized"]])
    expect(await leftBy(() => call(service, "GET", "/streams", { secret: null }))).toEqual([])
    expect(await leftBy(() => call(service, "GET", "/streams"))).toEqual([])
  })

  it("does not change the answer when the store is away: the entry is counted as lost", async () => {
    service.trouble("down")
    assertProblem(await call(service, "PATCH", "/broadcasters/x", { body: {} }), "validation")
    service.trouble("none")
    const { text } = await call(service, "GET", "/metrics", { secret: null })
    expect(text).toMatch(/greenroom_audit_entries_dropped_total\{[^}]*reason="store"[^}]*\} [1-9]/)
    await expect
      .poll(() => service.lines.some(({ message }) => /not in the audit log/.test(String(message))))
      .toBe(true)
  })
})

describe("an entry", () => {
  it("has the resource before and after, without secrets", async () => {
    const { id: broadcaster_id } = await newBroadcaster(service, "Before and after")
    const key = (await call(service, "POST", "/stream-keys", { body: { broadcaster_id, label: "One" } })).json
    await call(service, "PATCH", `/stream-keys/${key.id}`, { body: { label: "Two", enabled: false } })
    await call(service, "DELETE", `/stream-keys/${key.id}`)
    const [revoked, changed, created] = await entries(`&resource_id=${key.id}`)
    expect([created.action, created.before, created.after.label]).toEqual(["stream_key.create", null, "One"])
    expect([changed.before.label, changed.before.enabled]).toEqual(["One", true])
    expect([changed.after.label, changed.after.enabled]).toEqual(["Two", false])
    expect([revoked.before.revoked_at, revoked.after.revoked_at]).toEqual([null, expect.stringMatching(/Z$/)])
    expect([created, changed, revoked].every((entry) => entry.broadcaster_id === broadcaster_id)).toBe(true)
    const all = JSON.stringify(await entries())
    expect(all).not.toContain(key.key_value)
    expect(all).not.toContain(API_SECRET)
    expect(all).not.toMatch(/whsec_|gr_[0-9A-Za-z_-]{43}|sk_[0-9A-Za-z_-]{43}/)
  })
})

describe("filters and exports", () => {
  it("find by actor, action, type, outcome and time", async () => {
    const { id, token } = await newToken(service, { scopes: ["broadcasters:write"], name: "the wall" })
    const made = await call(service, "POST", "/broadcasters", { body: { display_name: "Filtered" }, secret: token })
    for (const query of [
      `actor=${id}`,
      "actor=the%20wall",
      `resource_id=${made.json.id}`,
      "action=broadcaster.create&actor=token"
    ]) {
      const found = await entries(`&${query}`)
      expect([query, found[0]?.resource_id]).toEqual([query, made.json.id])
    }
    const [{ at }] = await entries(`&resource_id=${made.json.id}`)
    expect(await entries(`&resource_id=${made.json.id}&to=${encodeURIComponent(at)}`)).toEqual([])
    expect(await entries(`&resource_id=${made.json.id}&from=${encodeURIComponent(at)}`)).toHaveLength(1)
    expect((await entries("&outcome=refused")).every(({ outcome }) => outcome === "refused")).toBe(true)
    expect((await entries("&resource_type=broadcaster")).every(({ action }) => action.startsWith("broadcaster."))).toBe(
      true
    )
  })

  it("give everything as CSV and as NDJSON, beyond one page", async () => {
    for (let index = 0; index < 30; index++) {
      await call(service, "POST", "/audit-events", { body: { action: "user.login", actor: `=cmd "${index}"` } })
    }
    const listed = await entries("&action=user.login")
    const lines = (await call(service, "GET", "/audit-logs?format=ndjson&action=user.login")).text.trimEnd().split("\n")
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(listed.map(({ id }) => id))
    const csv = await call(service, "GET", "/audit-logs?format=csv&action=user.login")
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8")
    const rows = csv.text.trimEnd().split("\r\n")
    expect(rows[0]).toMatch(/^id,at,actor_type,/)
    expect(rows).toHaveLength(listed.length + 1)
    expect(rows[1]).toContain(`"'=cmd ""29"""`)
  })
})

describe("POST /audit-events", () => {
  it("keeps whom the frontend names apart from the credential", async () => {
    const { id, token } = await newToken(service, { scopes: ["audit:write"], name: "frontend" })
    const body = { action: "user.login", actor: "ada@example.com", outcome: "refused", details: { method: "sso" } }
    const answer = await call(service, "POST", "/audit-events", { body, secret: token })
    expect(answer.status).toBe(204)
    const [entry] = await entries("&actor=ada@example.com")
    expect(entry).toMatchObject({
      action: "user.login",
      resource_type: "user",
      claimed_actor: "ada@example.com",
      actor: { type: "token", token_id: id, name: "frontend" },
      outcome: "refused",
      details: { method: "sso" }
    })
  })

  it.each([
    [{ action: "login" }, "/action"],
    [{ actor: "" }, "/actor"],
    [{ outcome: "maybe" }, "/outcome"],
    [{ details: [] }, "/details"]
  ])("with %j is refused, and the answer points there", async (wrong, pointer) => {
    const body = { action: "user.login", actor: "ada", ...wrong }
    const answer = await call(service, "POST", "/audit-events", { body })
    assertProblem(answer, "validation")
    expect(answer.json.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
  })
})
