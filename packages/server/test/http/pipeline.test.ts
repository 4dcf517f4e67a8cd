/**
 * The pipeline's events: the contract of their bodies as the published JSON schema has it, held to what the endpoints do; what they
 * answer; that they wake the reconciler; and what the log says of them.
 */
import { readFileSync } from "node:fs"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { openApiDocument } from "../../src/http/docs/OpenApiDocument.ts"
import { redactQuery } from "../../src/http/middleware/redactQuery.ts"
import { pointersOf } from "./support/assertProblem.ts"
import { type Answer, call } from "./support/client.ts"
import { API_SECRET, HOOK_SECRET, type Service, start } from "./support/service.ts"

// biome-ignore lint/suspicious/noExplicitAny: a JSON schema is open JSON
type Json = any

const schemaFile = new URL("../../../../docs/schemas/hook-event.schema.json", import.meta.url)
const published: Json = JSON.parse(readFileSync(schemaFile, "utf8"))

let service: Service
beforeAll(async () => {
  service = await start()
})
beforeEach(() => {
  service.lines.length = 0
})
afterAll(() => service.close())

const events = ["ready", "not-ready"] as const
const post = (event: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  call(service, "POST", `/v1/mediamtx/events/${event}`, { body, secret: null, headers })

const good = { path: "live/studio-1/in", sourceType: "rtmpConn", sourceId: "2d88d6ec-6d2b-4b5e-9a53-2f2a5b1f9f10" }
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether JSON schema draft 2020-12 takes the value. A keyword that it does not know is an error, so that none is passed over. */
const fits = (schema: Json, value: Json): boolean => {
  const object = typeof value === "object" && value !== null && !Array.isArray(value)
  const text = typeof value === "string"
  const keywords: Record<string, (argument: Json) => boolean> = {
    $schema: () => true,
    $id: () => true,
    title: () => true,
    description: () => true,
    examples: () => true,
    type: (type) => (type === "null" ? value === null : type === "object" ? object : typeof value === type),
    required: (names: ReadonlyArray<string>) => !object || names.every((name) => name in value),
    properties: (each: Record<string, Json>) =>
      !object || Object.entries(each).every(([name, inner]) => !(name in value) || fits(inner, value[name])),
    anyOf: (parts: ReadonlyArray<Json>) => parts.some((part) => fits(part, value)),
    allOf: (parts: ReadonlyArray<Json>) => parts.every((part) => fits(part, value)),
    pattern: (pattern) => !text || new RegExp(pattern, "u").test(value),
    minLength: (least) => !text || [...value].length >= least,
    maxLength: (most) => !text || [...value].length <= most
  }
  return Object.entries(schema).every(([keyword, argument]) => {
    const check = keywords[keyword]
    if (check === undefined) throw new Error(`the schema has a keyword that this test does not know: ${keyword}`)
    return check(argument)
  })
}

const accepted: ReadonlyArray<readonly [string, unknown]> = [
  ["the least", good],
  ["a product", { ...good, path: "live/studio-1/out" }],
  ["an empty query", { ...good, query: "" }],
  ["no query", { ...good, query: null }],
  ["a query", { ...good, query: 'lang=es&title="\\ é\n' }],
  ["the longest query", { ...good, query: "x".repeat(4096) }],
  ["the longest id", { ...good, path: `live/${"a".repeat(128)}/in` }],
  ["every character of an id", { ...good, path: "live/AZaz09_-/out" }],
  ["a source of the server's own", { ...good, sourceType: "rtspSource", sourceId: null }],
  ["one of the server's own, its id empty", { ...good, sourceType: "rpiCameraSource", sourceId: "" }],
  ["one of the server's own that has no type", { ...good, sourceType: null, sourceId: null }],
  ["fields that nobody knows", { ...good, readers: 3 }],
  ...[
    "rtmpConn",
    "rtmpsConn",
    "rtspSession",
    "srtConn",
    "webRTCSession",
    "hlsSource",
    "rtmp",
    "rtsp",
    "webrtc",
    "srt"
  ].map((sourceType) => [`the source type ${sourceType}`, { ...good, sourceType }] as const)
]

const refused: ReadonlyArray<readonly [string, unknown, ReadonlyArray<string>]> = [
  ["an empty object", {}, ["/path", "/sourceType", "/sourceId"]],
  ["null", null, [""]],
  ["a list", [good], [""]],
  ["a text", JSON.stringify("x"), [""]],
  ["no path", { ...good, path: undefined }, ["/path"]],
  ["no source type", { ...good, sourceType: undefined }, ["/sourceType"]],
  ["no source id", { ...good, sourceId: undefined }, ["/sourceId"]],
  ["null for a path", { ...good, path: null }, ["/path"]],
  ["a number for a path", { ...good, path: 7 }, ["/path"]],
  ["a path without a direction", { ...good, path: "live/studio-1" }, ["/path"]],
  ["another direction", { ...good, path: "live/studio-1/up" }, ["/path"]],
  ["another root", { ...good, path: "stage/studio-1/in" }, ["/path"]],
  ["a leading slash", { ...good, path: "/live/studio-1/in" }, ["/path"]],
  ["a trailing newline", { ...good, path: "live/studio-1/in\n" }, ["/path"]],
  ["an empty id", { ...good, path: "live//in" }, ["/path"]],
  ["an id of 129", { ...good, path: `live/${"a".repeat(129)}/in` }, ["/path"]],
  ["a dot in the id", { ...good, path: "live/a.b/in" }, ["/path"]],
  ["one more segment", { ...good, path: "live/a/b/in" }, ["/path"]],
  ["an empty source type", { ...good, sourceType: "" }, ["/sourceType"]],
  ["an unknown source type", { ...good, sourceType: "carrierPigeon" }, ["/sourceType"]],
  ["a source type of nothing but its ending", { ...good, sourceType: "Conn" }, ["/sourceType"]],
  ["a source type with a newline", { ...good, sourceType: "rtmpConn\n" }, ["/sourceType"]],
  ["RTMP in capitals", { ...good, sourceType: "RTMP" }, ["/sourceType"]],
  ["a list for a source id", { ...good, sourceId: ["x"] }, ["/sourceId"]],
  ["a source id of 2,049", { ...good, sourceId: "x".repeat(2049) }, ["/sourceId"]],
  ["a number for a query", { ...good, query: 1 }, ["/query"]],
  ["a query of 4,097", { ...good, query: "x".repeat(4097) }, ["/query"]],
  [
    "everything wrong",
    { path: "x", sourceType: "y", sourceId: 5, query: {} },
    ["/path", "/sourceType", "/sourceId", "/query"]
  ]
]

describe("the published schema", () => {
  it("is the definition that the service and its OpenAPI document are made from", () => {
    const { $schema, $id, title, ...schema } = published
    expect($schema).toBe("https://json-schema.org/draft/2020-12/schema")
    expect($id).toBe("urn:greenroom:schema:hook-event")
    expect(title).toBe("HookEvent")
    expect(schema).toEqual(openApiDocument().components.schemas.HookEvent)
    for (const example of published.examples) expect(fits(published, example)).toBe(true)
  })

  it.each(accepted)("takes %s, and so do both endpoints", async (_, body) => {
    expect(fits(published, body)).toBe(true)
    for (const event of events) expect((await post(event, body)).status).toBe(200)
  })

  it.each(refused)("refuses %s, and so do both endpoints, with 422 and where", async (_, body, pointers) => {
    expect(fits(published, typeof body === "string" ? JSON.parse(body) : JSON.parse(JSON.stringify(body)))).toBe(false)
    for (const event of events) {
      const answer = await post(event, body)
      expect([answer.status, answer.headers.get("content-type")]).toEqual([422, "application/problem+json"])
      expect(answer.json).toMatchObject({ type: "/errors/validation", code: "validation", status: 422 })
      expect(answer.json.request_id).toBe(answer.headers.get("x-request-id"))
      expect(new Set(pointersOf(answer))).toEqual(new Set(pointers))
    }
  })

  it.each(["", "{", "ready", `{"path": "live/a/in"`])(
    "is not even asked about %j, which is no JSON: 422",
    async (body) => {
      const answer = await post("ready", body)
      expect([answer.status, answer.json.errors]).toEqual([
        422,
        [{ pointer: "", detail: "Expected a valid JSON body" }]
      ])
    }
  )

  it("does not stretch to other content types, bodies over 64 KiB or methods", async () => {
    expect((await post("ready", good, { "content-type": "text/plain" })).status).toBe(415)
    expect((await post("ready", { ...good, more: "x".repeat(70_000) })).status).toBe(413)
    const answer = await call(service, "GET", "/v1/mediamtx/events/ready")
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"])
    expect((await post("gone", good)).status).toBe(404)
  })
})

describe("an event", () => {
  it.each([
    ["ready", "Ready event received"],
    ["not-ready", "Not-ready event received"]
  ])("%s is answered with what was understood", async (event, message) => {
    for (const direction of ["in", "out"]) {
      const answer = await post(event, { ...good, path: `live/studio_1/${direction}` })
      expect(answer.json).toEqual({
        status: "received",
        message,
        stream_id: "studio_1",
        direction,
        correlation_id: expect.stringMatching(uuid)
      })
    }
  })

  it("makes the reconciler look at once, which by itself looks once a second", async () => {
    const passes = async () => {
      const { text } = await call(service, "GET", "/metrics", { secret: null })
      return [...text.matchAll(/^greenroom_reconciler_passes_total\{.*\} (\d+)/gm)].reduce(
        (sum, [, n]) => sum + Number(n),
        0
      )
    }
    const eightRounds = async () => {
      const began = performance.now()
      for (let round = 0; round < 8; round++) {
        const before = await passes()
        await post(round % 2 === 0 ? "ready" : "not-ready", good)
        await expect.poll(passes, { interval: 5 }).toBeGreaterThan(before)
      }
      return performance.now() - began
    }
    // Eight seconds by itself. A busy machine may need more than one try.
    await expect.poll(eightRounds).toBeLessThan(5_000)
  })

  it("leaves one line, with the fields that are documented", async () => {
    const correlation = "6b0c5c1e-0a57-4a0e-9a86-58b1a2a0b7c4"
    const answer = await post("ready", { ...good, query: "lang=es" }, { "x-request-id": correlation })
    expect(answer.json.correlation_id).toBe(correlation)
    const lines = service.requests()
    expect(lines).toHaveLength(1)
    expect(lines[0]?.level).toBe("Info")
    expect(lines[0]?.annotations).toMatchObject({
      event: "ready",
      path: "live/studio-1/in",
      stream_id: "studio-1",
      direction: "in",
      source_type: "rtmpConn",
      source_id: good.sourceId,
      query: "lang=es",
      correlation_id: correlation,
      route: "/v1/mediamtx/events/ready",
      status: 200
    })
  })

  it("has an id of its own when the request's is no UUID", async () => {
    const { json } = await post("not-ready", good, { "x-request-id": "mine" })
    expect(json.correlation_id).toMatch(uuid)
    expect(service.requests()[0]?.annotations).toMatchObject({ query: null, correlation_id: json.correlation_id })
  })

  it("says nothing secret, wherever it stood", async () => {
    const key = `sk_${"aB3-_".repeat(8)}xyz`
    await post("ready", {
      ...good,
      path: `live/${key}/in`,
      sourceId: key,
      query: `pass=hunter2&x=${encodeURIComponent(key)}`
    })
    await post("ready", { ...good, path: "nonsense", query: `pass=hunter2&token=${key}` })
    const said = service.lines.map(({ text }) => text).join("\n")
    expect(service.requests()).toHaveLength(2)
    for (const secret of [key, key.slice(10), "hunter2"]) expect(said).not.toContain(secret)
  })
})

describe("with a hook secret", () => {
  let guarded: Service
  beforeAll(async () => {
    guarded = await start({ hookSecret: HOOK_SECRET })
  })
  afterAll(() => guarded.close())
  const withSecret = (authorization?: string) =>
    call(guarded, "POST", "/v1/mediamtx/events/ready", {
      body: good,
      secret: null,
      headers: authorization === undefined ? {} : { authorization }
    })

  it("is taken with it, as Basic or Bearer, and refused otherwise", async () => {
    const basic = `Basic ${Buffer.from(`mediamtx:${HOOK_SECRET}`).toString("base64")}`
    for (const fine of [basic, `Bearer ${HOOK_SECRET}`]) expect((await withSecret(fine)).status).toBe(200)
    for (const wrong of [undefined, "Bearer x", `Bearer ${API_SECRET}`]) {
      const answer = await withSecret(wrong)
      expect([answer.status, answer.json.type]).toEqual([401, "/errors/unauthorized"])
      expect(answer.headers.get("www-authenticate")).toMatch(/Basic realm=.*Bearer realm=/)
    }
  })
})

describe("a query in the log", () => {
  const key = `sk_${"A".repeat(43)}`
  it.each([
    ["", ""],
    ["lang=es&a=b", "lang=es&a=b"],
    ["lang=es%20mx+y", "lang=es%20mx+y"],
    ["flag&lang=es", "flag&lang=es"],
    ["user=any&pass=hunter2", "user=…&pass=…"],
    ["USER=any&Password=hunter2&pwd=x&passwd=y", "USER=…&Password=…&pwd=…&passwd=…"],
    ["key=1;token=2?jwt=3", "key=…;token=…?jwt=…"],
    ["access_token=a&api%5Fkey=b&%70ass=c&X-Amz-Signature=d", "access_token=…&api%5Fkey=…&%70ass=…&X-Amz-Signature=…"],
    [`lang=${key}`, "lang=…"],
    [`lang=${key.replaceAll("A", "%41")}`, "lang=…"],
    [`lang=${encodeURIComponent(encodeURIComponent(key.replace("_", "%5F")))}`, "lang=…"],
    [key, "…"],
    [`${key}=1`, "…=1"],
    ["next=%26pass%3Dhunter2", "next=…"],
    ["pass=a=b&lang=es", "pass=…&lang=es"],
    ["lang=%zz%", "lang=%zz%"],
    [`x=${"y".repeat(3000)}`, `x=${"y".repeat(1022)}`]
  ])("%j is shown as %j", (query, shown) => expect(redactQuery(query)).toBe(shown))

  it("shows no part of a stream key, wherever it is put", () => {
    for (const place of ["a=1&b=#", "#", "a=#&b=1", "#=a", "a=x#y", "a=1;b=#", "a?b=#", "a=%22#%22", "a=%zz#"]) {
      const shown = redactQuery(place.replace("#", key))
      expect([place, shown.includes("AAAAAAAA")]).toEqual([place, false])
    }
  })
})
