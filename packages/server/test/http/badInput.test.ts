/** Bad input, field by field: a 400 that points at it, all of it at once, and whether the store answers is all the same to it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { call, newBroadcaster, newKey } from "./support/client.ts"
import { publicJwk, UNKNOWN_ID } from "./support/endpoints.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
// Whoever needs the store now gets none: a 503 where a 400 should be.
beforeEach(() => service.trouble("down"))
afterAll(() => service.close())

const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`)

const wrongTypes = [5, true, ["x"], { x: 1 }]
const line = (max: number): ReadonlyArray<unknown> => [
  ...wrongTypes,
  "",
  "   ",
  "\u200b\u00a0",
  "x".repeat(max + 1),
  "a\u0000b",
  "a\nb",
  "a\u001bb",
  "a\u007fb",
  "a\u0085b",
  "a\ud800",
  "\udc00a"
]
const lines = (max: number): ReadonlyArray<unknown> => line(max).filter((text) => text !== "a\nb")
const metadata: ReadonlyArray<unknown> = [
  "text",
  5,
  true,
  [],
  { a: "x".repeat(16 * 1024) },
  { a: "\u0000" },
  { "a\u0000": 1 },
  { a: ["\ud800"] },
  { a: 2 ** 53 },
  { a: [{ b: -(2 ** 53) }] },
  nested(34)
]
const uuid: ReadonlyArray<unknown> = [...wrongTypes, null, "", "x", `${UNKNOWN_ID}0`, `${UNKNOWN_ID}\n`, "a\u0000b"]
const date: ReadonlyArray<unknown> = [
  ...wrongTypes,
  "",
  "soon",
  "5",
  "2026-11-21",
  "2026-02-30T00:00:00Z",
  "2026-11-21T25:00:00Z",
  "2026-11-21T01:33:14",
  "2026-11-21 01:33:14Z",
  "+012026-11-21T01:33:14Z",
  "9999-12-31T23:59:59-01:00",
  "2026-11-21T01:33:14Z\u0000"
]
const pathLimit: ReadonlyArray<unknown> = [
  ...wrongTypes,
  "",
  "/live",
  "live/",
  "live//x",
  "live/../x",
  "live/x y",
  "live/x:y",
  "live/~x",
  "~/*",
  "a:b/**",
  "live/\u0000",
  "live/*/x",
  "*",
  "**",
  `live/${"x".repeat(1000)}`,
  `live/sk_${"a".repeat(43)}`
]

const webhookUrl: ReadonlyArray<unknown> = [
  ...wrongTypes,
  "",
  "app.example.com/hooks",
  "ftp://app.example.com/",
  "https://",
  "https://user:password@app.example.com/",
  "https://user@app.example.com/",
  "https://app.example.com/#there",
  "https://app.example.com/#",
  "https://app.example.com/a b",
  "https://app.example.com/\u0000",
  " https://app.example.com/",
  "https://app.example.com:99999/",
  `https://app.example.com/${"x".repeat(2_048)}`
]
const eventTypesGiven: ReadonlyArray<unknown> = [
  "stream.active",
  [],
  ["stream.unknown"],
  ["stream.active", "*"],
  ["stream.active", null],
  [5],
  { 0: "stream.active" }
]
const place: ReadonlyArray<unknown> = [
  ...[true, [], {}, "", "soon", -1, 1.5, 2 ** 53, "4711", "0123456789abcdef", "0123456789ABCDEF-1"],
  ...["0123456789abcdef--1", "0123456789abcdef-01", "0123456789abcdef-9999999999999999"]
]

const policy: ReadonlyArray<unknown> = [...wrongTypes, "", "private", "PUBLIC"]
const pattern: ReadonlyArray<unknown> = [...wrongTypes, "", "*", "live", "/**", "live/*/x", "***", "**/x"]
const viewerId: ReadonlyArray<unknown> = [...wrongTypes, "", "a b", "é", "x".repeat(65), `sk_${"a".repeat(43)}`]
const networks: ReadonlyArray<unknown> = [
  "192.0.2.0/24",
  ["192.0.2.0/33"],
  ["192.0.2"],
  ["0x7f.1"],
  ["2001:db8::/129"],
  ["example.com"],
  [5],
  Array.from({ length: 11 }, (_, index) => `192.0.2.${index}`)
]
const actions: ReadonlyArray<unknown> = ["read", [], ["publish"], ["read", "playback", "read"], [5], {}]
const publicKey: ReadonlyArray<unknown> = [
  ...wrongTypes,
  "x",
  {},
  { ...publicJwk, kty: "RSA" },
  { ...publicJwk, crv: "X25519" },
  { ...publicJwk, x: "AAAA" },
  { ...publicJwk, kid: "a b" },
  { ...publicJwk, d: publicJwk.x },
  { ...publicJwk, unknown: 1 },
  { kty: "oct", k: "AAAA" }
]

interface Field {
  readonly request: string
  readonly field: string
  readonly bad: ReadonlyArray<unknown>
  /** Whether it must be there. */
  readonly required?: boolean
  /** Whether `null` is wrong, too. */
  readonly notNull?: boolean
}

const fields: ReadonlyArray<Field> = [
  { request: "POST /broadcasters", field: "display_name", bad: line(255), required: true, notNull: true },
  { request: "POST /broadcasters", field: "contact", bad: line(255) },
  { request: "POST /broadcasters", field: "metadata", bad: metadata },
  { request: `PATCH /broadcasters/${UNKNOWN_ID}`, field: "display_name", bad: line(255), notNull: true },
  { request: `PATCH /broadcasters/${UNKNOWN_ID}`, field: "contact", bad: line(255) },
  { request: `PATCH /broadcasters/${UNKNOWN_ID}`, field: "metadata", bad: metadata },
  { request: "POST /stream-keys", field: "broadcaster_id", bad: uuid, required: true, notNull: true },
  { request: "POST /stream-keys", field: "expires_at", bad: date },
  { request: "POST /stream-keys", field: "label", bad: line(255) },
  { request: "POST /stream-keys", field: "path", bad: pathLimit },
  { request: `PATCH /stream-keys/${UNKNOWN_ID}`, field: "label", bad: line(255) },
  { request: `PATCH /stream-keys/${UNKNOWN_ID}`, field: "expires_at", bad: date },
  { request: `PATCH /stream-keys/${UNKNOWN_ID}`, field: "enabled", bad: ["true", 1, 0, [], {}], notNull: true },
  { request: `PATCH /streams/${UNKNOWN_ID}`, field: "title", bad: line(255) },
  { request: `PATCH /streams/${UNKNOWN_ID}`, field: "description", bad: lines(5000) },
  { request: `PATCH /streams/${UNKNOWN_ID}`, field: "metadata", bad: metadata },
  { request: `PATCH /streams/${UNKNOWN_ID}`, field: "recording_ref", bad: line(1000) },
  { request: "POST /broadcasters", field: "playback", bad: policy },
  { request: `PATCH /broadcasters/${UNKNOWN_ID}`, field: "playback", bad: policy },
  { request: "POST /stream-keys", field: "playback", bad: policy },
  { request: `PATCH /stream-keys/${UNKNOWN_ID}`, field: "playback", bad: policy },
  {
    request: "POST /playback-tokens",
    field: "path",
    bad: [...wrongTypes, "", "/live", "live//x", "live/../x"],
    notNull: true
  },
  { request: "POST /playback-tokens", field: "pattern", bad: pattern, notNull: true },
  { request: "POST /playback-tokens", field: "stream_id", bad: uuid },
  { request: "POST /playback-tokens", field: "broadcaster_id", bad: uuid },
  { request: "POST /playback-tokens", field: "viewer_id", bad: viewerId },
  {
    request: "POST /playback-tokens",
    field: "expires_in",
    bad: ["60", true, 59, 60.5, 2_592_001, -1, [], {}],
    notNull: true
  },
  { request: "POST /playback-tokens", field: "not_before", bad: date },
  { request: "POST /playback-tokens", field: "max_sessions", bad: ["1", true, 0, -1, 1.5, 1_000_001, [], {}] },
  { request: "POST /playback-tokens", field: "ips", bad: networks, notNull: true },
  { request: "POST /playback-tokens", field: "actions", bad: actions, notNull: true },
  { request: "POST /playback-tokens", field: "metadata", bad: metadata },
  { request: "POST /viewers/user-4711/revoke", field: "until", bad: date },
  { request: "POST /signing-keys", field: "public_key", bad: publicKey, required: true, notNull: true },
  { request: "POST /signing-keys", field: "id", bad: [...wrongTypes, "", "a b", "x".repeat(33)], notNull: true },
  {
    request: "POST /signing-keys/rotate",
    field: "overlap_seconds",
    bad: ["1", -1, 1.5, 2_592_001, [], {}],
    notNull: true
  },
  { request: "POST /webhook-endpoints", field: "url", bad: webhookUrl, required: true, notNull: true },
  { request: "POST /webhook-endpoints", field: "types", bad: eventTypesGiven },
  { request: "POST /webhook-endpoints", field: "broadcaster_id", bad: uuid.filter((id) => id !== null) },
  { request: "POST /webhook-endpoints", field: "description", bad: lines(500) },
  { request: "POST /webhook-endpoints", field: "enabled", bad: ["true", 1, 0, [], {}], notNull: true },
  { request: `PATCH /webhook-endpoints/${UNKNOWN_ID}`, field: "url", bad: webhookUrl, notNull: true },
  { request: `PATCH /webhook-endpoints/${UNKNOWN_ID}`, field: "types", bad: eventTypesGiven },
  { request: `PATCH /webhook-endpoints/${UNKNOWN_ID}`, field: "from", bad: place, notNull: true },
  { request: `POST /webhook-endpoints/${UNKNOWN_ID}/redeliver`, field: "after", bad: [...place, "now"], notNull: true },
  { request: `POST /webhook-endpoints/${UNKNOWN_ID}/redeliver`, field: "event_id", bad: [...wrongTypes, "", "x"] }
]

const good: Readonly<Record<string, object>> = {
  "POST /broadcasters": { display_name: "One" },
  "POST /stream-keys": { broadcaster_id: UNKNOWN_ID },
  "POST /signing-keys": { public_key: publicJwk },
  "POST /webhook-endpoints": { url: "https://app.example.com/hooks" }
}

const send = (request: string, body: unknown) => {
  const [method = "", path = ""] = request.split(" ")
  // JSON.stringify writes a lone surrogate as its escape, which is how it would come.
  return call(service, method, path, { body })
}

describe.each(fields.map((field) => [`${field.request.replace(UNKNOWN_ID, ":id")} ${field.field}`, field] as const))(
  "%s",
  (_, { request, field, bad, required, notNull }) => {
    const cases = [...bad, ...(notNull === true ? [null] : [])].map(
      (value) => [JSON.stringify(value).slice(0, 60), value] as const
    )
    it.each(cases)("refuses %s", async (_, value) => {
      const answer = await send(request, { ...good[request], [field]: value })
      assertProblem(answer, "validation")
      expect([...new Set(pointersOf(answer).map((pointer) => pointer.split("/")[1]))]).toEqual([field])
    })
    if (required !== true) return
    it("must be there", async () => {
      const answer = await send(request, { ...good[request], [field]: undefined })
      assertProblem(answer, "validation")
      expect(answer.json.errors).toEqual([{ pointer: `/${field}`, detail: "Expected a value: this is required" }])
    })
  }
)

describe("what metadata may not hold", () => {
  it.each([
    ["a number that would be rounded", '{"a":{"b":[0,9007199254740993]}}', "/metadata/a/b/1"],
    ["another one", '{"~/":-12345678901234567890}', "/metadata/~0~1"],
    ["a NUL", '{"a":[{"b":"\\u0000"}]}', "/metadata/a/0/b"]
  ])("is pointed at where it stands: %s", async (_, metadata, pointer) => {
    const answer = await send("POST /broadcasters", `{"display_name":"x","metadata":${metadata}}`)
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual([pointer])
  })
})

describe("a field that nobody knows", () => {
  it.each([
    ["POST /broadcasters", "external_id, display_name, contact, metadata, playback"],
    [`PATCH /broadcasters/${UNKNOWN_ID}`, "external_id, display_name, contact, metadata, playback"],
    ["POST /stream-keys", "broadcaster_id, expires_at, label, path, playback"],
    [`PATCH /stream-keys/${UNKNOWN_ID}`, "label, expires_at, enabled, playback, blocked_until"],
    [`POST /stream-keys/${UNKNOWN_ID}/rotate`, "overlap_seconds"],
    [`PATCH /streams/${UNKNOWN_ID}`, "title, description, metadata, recording_ref"],
    ["POST /webhook-endpoints", "url, types, broadcaster_id, description, enabled"],
    [`PATCH /webhook-endpoints/${UNKNOWN_ID}`, "url, types, broadcaster_id, description, enabled, from"]
  ])("is refused with the names of the known ones: %s", async (request, names) => {
    const answer = await send(request, { ...good[request], lable: "x", "a/b": { c: 1 } })
    assertProblem(answer, "validation")
    const detail = `Expected one of the known fields: ${names}`
    expect(answer.json.errors).toEqual([
      { pointer: "/lable", detail },
      { pointer: "/a~1b", detail }
    ])
  })

  it("does not bring a key into the answer by its name, nor ten thousand complaints", async () => {
    const key = `sk_abcd${"x".repeat(39)}`
    const named = await send("POST /broadcasters", { display_name: "x", [key]: 1 })
    expect(pointersOf(named)).toEqual(["/sk_abcd…"])
    expect(named.text).not.toContain("xxxxx")
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, 1]))
    const answer = await send("POST /broadcasters", many)
    assertProblem(answer, "validation")
    expect(answer.json.errors).toHaveLength(100)
  })
})

describe("all that is wrong", () => {
  it.each([
    ["POST /broadcasters", { display_name: "", contact: 5, metadata: [] }],
    ["POST /stream-keys", { broadcaster_id: 1, expires_at: "x", label: "", path: "/" }],
    [`PATCH /stream-keys/${UNKNOWN_ID}`, { label: "", expires_at: "x", enabled: 5 }],
    [`PATCH /streams/${UNKNOWN_ID}`, { title: 5, description: "\u0000", metadata: 5, recording_ref: [] }],
    ["POST /webhook-endpoints", { url: "x", types: [], broadcaster_id: 5, description: "", enabled: 1 }],
    [`PATCH /webhook-endpoints/${UNKNOWN_ID}`, { url: "x", types: [], enabled: 1, from: "soon" }]
  ])("of a body is said at once: %s", async (request, body) => {
    const answer = await send(request, body)
    assertProblem(answer, "validation")
    expect([...pointersOf(answer)].toSorted()).toEqual(
      Object.keys(body)
        .map((name) => `/${name}`)
        .toSorted()
    )
  })

  it("of a query is said at once, each by its parameter's name", async () => {
    const query = "status=live&broadcaster_id=x&stream_key_id=y&path=/&limit=0&cursor=z"
    const answer = await send(`GET /streams?${query}`, undefined)
    assertProblem(answer, "validation")
    expect([...pointersOf(answer)].toSorted()).toEqual(
      ["/broadcaster_id", "/cursor", "/limit", "/path", "/status", "/stream_key_id"].toSorted()
    )
  })

  it("is said without repeating what was sent", async () => {
    const answer = await send("POST /stream-keys", {
      broadcaster_id: "topsecret",
      label: `topsecret\u0000`,
      path: "/topsecret"
    })
    assertProblem(answer, "validation")
    expect(answer.text).not.toContain("topsecret")
  })
})

describe("query parameters", () => {
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ...["0", "1001", "-1", "1.5", "x", "", "1e1", "+1", " 1", "NaN", "Infinity", "0x10", "%00", "9".repeat(400)].map(
      (value) => ["limit", value, "/limit"] as const
    ),
    ...[
      "",
      "x",
      "%00",
      "AAAA",
      "1763688794000-x",
      `1763688794000-${UNKNOWN_ID}`,
      `soon-${"0".repeat(32)}`,
      `-1-${"0".repeat(32)}`,
      `${"9".repeat(15)}-${"0".repeat(32)}`,
      `1-${"0".repeat(32)}%0A`,
      `1-${"0".repeat(32)}-1`,
      "A".repeat(5000)
    ].map((value) => ["cursor", value, "/cursor"] as const)
  ]
  const lists = ["/broadcasters", "/stream-keys", "/streams", `/streams/${UNKNOWN_ID}/events`]
  it.each(cases.map(([name, value, pointer]) => [`${name}=${value.slice(0, 60)}`, name, value, pointer] as const))(
    "%s is refused by every list",
    async (_, name, value, pointer) => {
      for (const list of lists) {
        const answer = await send(`GET ${list}?${name}=${value}`, undefined)
        assertProblem(answer, "validation")
        expect(pointersOf(answer)).toEqual([pointer])
      }
    }
  )

  it.each([
    ["/stream-keys", "status", "alive"],
    ["/stream-keys", "status", ""],
    ["/stream-keys", "status", "active,"],
    ["/stream-keys", "status", "active,,revoked"],
    ["/stream-keys", "broadcaster_id", "x"],
    ["/streams", "status", "ACTIVE"],
    ["/streams", "path", "live//x"],
    ["/streams", "path", "%00"],
    ["/streams", "path", `sk_${"a".repeat(43)}`]
  ])("GET %s?%s=%s is refused", async (list, name, value) => {
    const answer = await send(`GET ${list}?${name}=${value}`, undefined)
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual([`/${name}`])
    expect(answer.text).not.toContain("aaaaaaaaaaaaaaaa")
  })

  it("given twice are refused, each by its name; unknown ones are ignored", async () => {
    service.trouble("none")
    const id = UNKNOWN_ID
    const twice = await send(
      `GET /streams?limit=1&limit=2&status=active&status=active&broadcaster_id=${id}&broadcaster_id=${id}&path=a&path=b&cursor=x&cursor=y`,
      undefined
    )
    assertProblem(twice, "validation")
    const detail = "Expected the parameter once, not several times"
    const names = ["broadcaster_id", "cursor", "limit", "path", "status"]
    expect(
      twice.json.errors.toSorted((a: { pointer: string }, b: { pointer: string }) => a.pointer.localeCompare(b.pointer))
    ).toEqual(names.map((name) => ({ pointer: `/${name}`, detail })))
    expect((await send("GET /streams?unheard=of&limit=1", undefined)).status).toBe(200)
  })
})

describe("what a schema cannot know", () => {
  beforeEach(() => service.trouble("none"))

  it("an unknown broadcaster and a past expiry are pointed at", async () => {
    const unknown = await send("POST /stream-keys", { broadcaster_id: UNKNOWN_ID })
    assertProblem(unknown, "validation")
    expect(pointersOf(unknown)).toEqual(["/broadcaster_id"])
    const { id } = await newBroadcaster(service)
    const past = await send("POST /stream-keys", { broadcaster_id: id, expires_at: "2020-01-01T00:00:00Z" })
    assertProblem(past, "validation")
    expect(pointersOf(past)).toEqual(["/expires_at"])
    const key = await newKey(service)
    const moved = await send(`PATCH /stream-keys/${key.id}`, { expires_at: "2020-01-01T00:00:00Z" })
    assertProblem(moved, "validation")
    expect(pointersOf(moved)).toEqual(["/expires_at"])
  })
})

describe("what only the store knows to be wrong", () => {
  beforeEach(() => service.trouble("none"))
  const past = "2020-01-01T00:00:00Z"

  it("is told with the rest of it", async () => {
    const all = { broadcaster_id: UNKNOWN_ID, expires_at: past }
    const both = await send("POST /stream-keys", all)
    assertProblem(both, "validation")
    expect(pointersOf(both)).toEqual(["/broadcaster_id", "/expires_at"])
    const three = await send("POST /stream-keys", { ...all, path: "live/x y" })
    expect(pointersOf(three).toSorted()).toEqual(["/broadcaster_id", "/expires_at", "/path"])
    const five = await send("POST /stream-keys", { ...all, path: "live/x:y", label: " ", more: 1 })
    expect(pointersOf(five).toSorted()).toEqual(["/broadcaster_id", "/expires_at", "/label", "/more", "/path"])
    const { id } = await newBroadcaster(service)
    const known = await send("POST /stream-keys", { broadcaster_id: id, expires_at: "2999-01-01T00:00:00Z", path: "/" })
    expect(pointersOf(known)).toEqual(["/path"])
    const key = await newKey(service)
    const change = await send(`PATCH /stream-keys/${key.id}`, { expires_at: past, label: "" })
    expect(pointersOf(change).toSorted()).toEqual(["/expires_at", "/label"])
  })
})

describe("what is unusual and good", () => {
  beforeEach(() => service.trouble("none"))

  it.each([
    ["the longest name", { display_name: "x".repeat(255) }],
    ["emoji and right-to-left text", { display_name: "🎥 סטודיו", contact: "e\u0301" }],
    ["blanks, which are not trimmed", { display_name: "  x  " }],
    ["nulls", { display_name: "x", contact: null, metadata: null }],
    ["the largest whole numbers", { display_name: "x", metadata: { a: 2 ** 53 - 1, b: -(2 ** 53 - 1), c: 0.5 } }],
    ["metadata at its depth", { display_name: "x", metadata: nested(32) }],
    [
      "names that mean something to JavaScript",
      JSON.parse('{"display_name":"x","metadata":{"__proto__":{"a":1},"constructor":2}}')
    ]
  ])("%s", async (_, body) => {
    const answer = await send("POST /broadcasters", body)
    expect(answer.status).toBe(201)
    expect(answer.json.display_name).toBe(body.display_name)
    expect(answer.json.contact).toBe(body.contact ?? null)
    expect(answer.json.metadata).toEqual(body.metadata ?? {})
    expect(JSON.stringify(answer.json.metadata)).toBe(JSON.stringify(body.metadata ?? {}))
  })
})
