/** The OpenAPI document: well formed, complete, and true of the service that serves it. */
import { eventTypes } from "@greenroom/core"
import { Schema } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import packageJson from "../../package.json" with { type: "json" }
import * as AuthCheckSchemas from "../../src/http/api/authCheckSchemas.ts"
import * as AuthDecisionSchemas from "../../src/http/api/authDecisionSchemas.ts"
import * as BroadcastersApi from "../../src/http/api/BroadcastersApi.ts"
import * as EventsApi from "../../src/http/api/EventsApi.ts"
import * as EventSchemas from "../../src/http/api/eventSchemas.ts"
import * as MediaServerApi from "../../src/http/api/MediaServerApi.ts"
import * as PipelineApi from "../../src/http/api/PipelineApi.ts"
import * as ReconcileApi from "../../src/http/api/ReconcileApi.ts"
import * as StreamsApi from "../../src/http/api/StreamsApi.ts"
import * as SystemApi from "../../src/http/api/SystemApi.ts"
import * as StreamKeySchemas from "../../src/http/api/streamKeySchemas.ts"
import * as StreamSchemas from "../../src/http/api/streamSchemas.ts"
import { version } from "../../src/http/api/version.ts"
import * as WorkersApi from "../../src/http/api/WorkersApi.ts"
import { type ProblemName, problemType, problemTypes } from "../../src/http/problems/problemTypes.ts"
import { type Answer, call } from "./support/client.ts"
import { endpoints } from "./support/endpoints.ts"
import { type Service, start } from "./support/service.ts"

// biome-ignore lint/suspicious/noExplicitAny: the document is open JSON
type Json = any

let service: Service
let answer: Answer
let spec: Json
beforeAll(async () => {
  service = await start()
  answer = await call(service, "GET", "/openapi.json", { secret: null })
  spec = answer.json
})
afterAll(() => service.close())

const METHODS = ["get", "post", "patch", "put", "delete", "head", "options"]
const operations = (): ReadonlyArray<{ method: string; path: string; operation: Json }> =>
  Object.entries<object>(spec.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation }))
  )

const visit = (node: unknown, each: (node: Record<string, unknown>, at: string) => void, at = "#"): void => {
  if (typeof node !== "object" || node === null) return
  each(node as Record<string, unknown>, at)
  for (const [name, child] of Object.entries(node)) visit(child, each, `${at}/${name}`)
}

/** What a reference refers to; anything else is itself. */
const resolved = (node: Json): Json =>
  node.$ref === undefined
    ? node
    : node.$ref
        .replace(/^#\//, "")
        .split("/")
        .reduce((inside: Json, name: string) => inside?.[name], spec)

/** Whether the value is what the schema describes, for as much of JSON schema as the document uses. */
const fits = (schema: Json, value: Json): boolean => {
  if (schema.$ref !== undefined) return fits(resolved(schema), value)
  if (schema.anyOf !== undefined) return schema.anyOf.some((part: unknown) => fits(part, value))
  if (schema.enum !== undefined) return schema.enum.includes(value)
  switch (schema.type) {
    case "null":
      return value === null
    case "object":
      return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        (schema.required ?? []).every((name: string) => name in value) &&
        Object.entries(value).every(([name, child]) => fits(schema.properties?.[name] ?? {}, child))
      )
    case "array":
      return Array.isArray(value) && value.every((item) => fits(schema.items ?? {}, item))
    case "integer":
      return Number.isInteger(value)
    case undefined:
      return true
    default:
      return typeof value === schema.type
  }
}

describe("the document", () => {
  it("is OpenAPI 3.1 of this release", () => {
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"])
    expect(spec.openapi).toMatch(/^3\.1\.\d$/)
    expect(spec.info).toMatchObject({ title: "Greenroom", version, license: { identifier: "MIT" } })
    expect(version).toBe(packageJson.version)
    expect(Object.keys(spec).toSorted()).toEqual([
      "components",
      "info",
      "openapi",
      "paths",
      "servers",
      "tags",
      "webhooks"
    ])
    expect(spec.servers).toEqual([{ url: "/", description: expect.stringMatching(/\S/) }])
  })

  it("has every reference resolved", () => {
    const missing: Array<string> = []
    visit(spec, (node, at) => {
      if (typeof node.$ref !== "string") return
      if (resolved(node) === undefined) missing.push(`${at}: ${node.$ref}`)
    })
    expect(missing).toEqual([])
  })

  it("has every component used, and none that is private to the generator", () => {
    const used = new Set<unknown>()
    visit(spec, (node) => used.add(node.$ref))
    for (const kind of ["schemas", "responses"]) {
      const names = Object.keys(spec.components[kind])
      expect(names.filter((name) => !used.has(`#/components/${kind}/${name}`))).toEqual([])
      expect(names.filter((name) => /Encoded|\d$/.test(name))).toEqual([])
    }
  })

  it("has everything that is served, and serves everything that it has", async () => {
    const described = operations().map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, ":id")}`
    )
    const others = [
      "POST /auth",
      "POST /webhook/ready",
      "POST /webhook/not-ready",
      "POST /v1/mediamtx/events/ready",
      "POST /v1/mediamtx/events/not-ready",
      "GET /events/stream",
      "GET /",
      "GET /workers",
      "GET /workers/:id",
      "GET /health",
      "GET /livez",
      "GET /readyz",
      "GET /.well-known/jwks.json",
      "GET /openapi.json",
      "GET /docs",
      "GET /errors/:id",
      "GET /metrics"
    ]
    const served = [...endpoints.map(({ method, path }) => `${method} ${path}`), ...others]
    expect(described.toSorted()).toEqual(served.toSorted())
    for (const { method, path } of operations()) {
      // Its answer does not end.
      if (path === "/events/stream") continue
      const reached = await call(service, method.toUpperCase(), path.replace(/\{\w+\}/g, "x"), {
        body: method === "get" ? undefined : "{"
      })
      expect([path, reached.status]).not.toEqual([path, 405])
      if (!/^\/(errors|workers|viewers|signing-keys)/.test(path))
        expect([path, reached.json?.type]).not.toEqual([path, "/errors/not-found"])
    }
  })
})

describe("every operation", () => {
  it("is well formed: unique id, summary, tag, methods, declared path parameters", () => {
    const ids = operations().map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    const tags = spec.tags.map(({ name }: { name: string }) => name)
    for (const { method, path, operation } of operations()) {
      expect(METHODS).toContain(method)
      expect(operation.summary).toMatch(/\S/)
      expect(tags).toContain(operation.tags[0])
      const declared = operation.parameters.filter((one: { in: string }) => one.in === "path")
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect(declared.map((one: { name: string }) => one.name)).toEqual(inPath)
      for (const one of declared) expect(one.required).toBe(true)
    }
  })

  it("says who may call it", () => {
    expect(Object.keys(spec.components.securitySchemes).toSorted()).toEqual([
      "api_key",
      "bearer",
      "hook_basic",
      "hook_bearer",
      "session"
    ])
    for (const { path, operation } of operations()) {
      const expected =
        /^\/(broadcasters|stream-keys|streams|playback-tokens|viewers|signing-keys|workers|events|reconcile|webhook-endpoints|api-tokens|audit-|session|auth-decisions|auth\/check)/.test(
          path
        )
          ? [{ api_key: [] }, { bearer: [] }, { session: [] }]
          : /^\/(auth|webhook|v1\/mediamtx)/.test(path)
            ? [{}, { hook_basic: [] }, { hook_bearer: [] }]
            : []
      expect([path, operation.security]).toEqual([path, expected])
    }
  })

  it("lists its answers, each with an X-Request-ID, a description, and an example that fits", () => {
    for (const { method, path, operation } of operations()) {
      const statuses = Object.keys(operation.responses)
      expect(statuses.some((status) => status.startsWith("2"))).toBe(true)
      for (const [status, declared] of Object.entries<Json>(operation.responses)) {
        const at = `${method} ${path} ${status}`
        const response = resolved(declared)
        expect([at, response.description]).toEqual([at, expect.stringMatching(/\S/)])
        expect([at, response.headers["X-Request-ID"]]).toEqual([at, expect.anything()])
        for (const [type, media] of Object.entries<Json>(response.content ?? {})) {
          if (type !== "application/json" || path === "/openapi.json") continue
          expect([at, media.example]).toEqual([at, expect.anything()])
          expect([at, fits(media.schema, media.example)]).toEqual([at, true])
        }
      }
    }
  })

  it("lists every error that it can have", () => {
    for (const { method, path, operation } of operations()) {
      const statuses = Object.keys(operation.responses)
      const secured = operation.security.length > 0
      const at = `${method} ${path}`
      for (const [status, type] of Object.entries({
        400: "validation",
        405: "method-not-allowed",
        408: "request-timeout",
        413: "payload-too-large",
        414: "uri-too-long",
        431: "headers-too-large",
        500: "internal"
      })) {
        const { schema } = resolved(operation.responses[status]).content["application/problem+json"]
        const types = (schema.anyOf ?? [schema]).map((one: Json) => resolved(one).properties.type.enum[0])
        expect([at, status, types]).toEqual([at, status, [`/errors/${type}`]])
      }
      if (secured) expect([at, statuses]).toEqual([at, expect.arrayContaining(["401"])])
      if (operation.parameters.length > 0 && !path.startsWith("/errors"))
        expect([at, statuses]).toEqual([at, expect.arrayContaining(["503"])])
      if (operation.requestBody !== undefined && path.startsWith("/v1/"))
        expect([at, statuses]).toEqual([at, expect.arrayContaining(["422"])])
      // Whether there is a viewer with this id is not known.
      if (path.includes("{") && !path.endsWith("{viewer_id}/revoke"))
        expect([at, statuses]).toEqual([at, expect.arrayContaining(["404"])])
      if (operation.requestBody !== undefined && !path.startsWith("/webhook"))
        expect([at, statuses]).toEqual([at, expect.arrayContaining(path.startsWith("/v1/") ? ["415"] : ["415", "503"])])
    }
    const refusals = operations().find(({ path }) => path === "/auth")?.operation.responses["401"].content[
      "application/problem+json"
    ].schema
    const names = refusals.anyOf.map((one: Json) => resolved(one).properties.type.enum[0].replace("/errors/", ""))
    expect(names).toEqual(Object.keys(problemTypes).filter((name) => problemType(name as ProblemName).status === 401))
  })

  it("has a body example where it has a body", () => {
    for (const { path, operation } of operations()) {
      const media = operation.requestBody?.content["application/json"]
      if (media === undefined) continue
      expect([path, media.example]).toEqual([path, expect.anything()])
      expect([path, fits(media.schema, media.example)]).toEqual([path, true])
    }
  })
})

describe("webhooks", () => {
  it("have one request, whose body is any event, of every type that there is", () => {
    const { post } = spec.webhooks.event
    const { schema, example } = post.requestBody.content["application/json"]
    expect(fits(schema, example)).toBe(true)
    const types = resolved(schema).anyOf.flatMap((one: Json) => {
      const { type } = resolved(one).properties
      return (type.anyOf?.[0] ?? type).enum
    })
    expect(types).toEqual(eventTypes)
    expect(post.parameters.map(({ name }: { name: string }) => name)).toEqual([
      "webhook-id",
      "webhook-timestamp",
      "webhook-signature"
    ])
  })
})

describe("parameters", () => {
  const parameter = (path: string, name: string): Json =>
    spec.paths[path].get.parameters.find((one: { name: string }) => one.name === name)

  it("of status have their values, as a list that is separated by commas", () => {
    for (const [path, values] of [
      ["/streams", ["connecting", "active", "inactive"]],
      ["/stream-keys", ["revoked", "expired", "disabled", "in_use", "active"]]
    ] as const) {
      const { schema, style, explode, description } = parameter(path, "status")
      expect([schema.type, schema.items, style, explode]).toEqual([
        "array",
        { type: "string", enum: values },
        "form",
        false
      ])
      expect(description).toMatch(/commas/)
    }
    expect(parameter("/streams", "status").schema.default).toEqual(["active"])
  })

  it("all say what they are, and limits what they are when they are not given", () => {
    for (const { path, operation } of operations()) {
      for (const one of operation.parameters) {
        if (one.in !== "query") continue
        expect([path, one.name, one.description]).toEqual([path, one.name, expect.stringMatching(/\S/)])
        if (one.name !== "limit") continue
        expect([path, one.description]).toEqual([path, expect.stringMatching(/50/)])
        expect([path, one.schema.default]).toEqual([path, path === "/streams" ? undefined : 50])
      }
    }
  })
})

describe("bodies", () => {
  it("of operators are closed, as the service takes them; those of the media server are open", () => {
    for (const { path, operation } of operations()) {
      const name = operation.requestBody?.content["application/json"].schema.$ref.split("/").at(-1)
      if (name === undefined) continue
      const closed =
        /^\/(broadcasters|stream-keys|streams|playback-tokens|viewers|signing-keys|reconcile|webhook-endpoints|api-tokens|audit-)/.test(
          path
        )
          ? false
          : undefined
      expect([name, spec.components.schemas[name].additionalProperties]).toEqual([name, closed])
    }
  })
})

describe("tracks", () => {
  it("have fields that are named, all in snake_case", () => {
    const { properties, required } = spec.components.schemas.Track
    expect(Object.keys(properties)).toEqual([
      "codec",
      "profile",
      "level",
      "tier",
      "width",
      "height",
      "sample_rate",
      "channel_count",
      "bit_depth",
      "mu_law"
    ])
    expect(required).toEqual(Object.keys(properties))
  })
})

describe("examples of answers", () => {
  const example = (method: string, path: string, status: string): Json =>
    spec.paths[path][method].responses[status].content["application/json"].example
  const sent = (path: string): Json => spec.paths[path].patch.requestBody.content["application/json"].example

  it("show what the call has done", () => {
    expect(example("delete", "/stream-keys/{id}", "202")).toMatchObject({
      status: "revoked",
      revoked_at: expect.any(String),
      active_stream_id: expect.any(String)
    })
    expect(example("delete", "/streams/{id}", "202")).toMatchObject({
      status: "active",
      ending: { reason: "stopped", requested_at: expect.any(String) }
    })
    expect(sent("/stream-keys/{id}")).toEqual({ enabled: false })
    expect(example("patch", "/stream-keys/{id}", "200")).toMatchObject({ status: "disabled", active_stream_id: null })
    expect(example("patch", "/streams/{id}", "200")).toMatchObject(sent("/streams/{id}"))
    const changed = example("patch", "/broadcasters/{id}", "200")
    expect(changed).toMatchObject(sent("/broadcasters/{id}"))
    expect(changed.updated_at > changed.created_at).toBe(true)
  })
})

describe("problems", () => {
  it("are described as they are sent: all members, always", async () => {
    const described = Object.values<Json>(spec.components.schemas).filter(
      (schema) => schema.properties?.request_id !== undefined && schema.properties.type !== undefined
    )
    const types = described.map((schema) => schema.properties.type.enum[0])
    expect([...new Set(types)].toSorted()).toEqual(
      Object.keys(problemTypes)
        .map((name) => `/errors/${name}`)
        .toSorted()
    )
    for (const schema of described) {
      expect(schema.required).toEqual(
        expect.arrayContaining(["type", "title", "status", "detail", "instance", "code", "request_id"])
      )
    }
    const real = (await call(service, "GET", "/streams?limit=0")).json
    expect(fits(spec.components.schemas.ValidationFailed, real)).toBe(true)
  })
})

describe("examples", () => {
  const schemas = Object.values({
    ...StreamSchemas,
    ...BroadcastersApi,
    ...StreamKeySchemas,
    ...StreamsApi,
    ...ReconcileApi,
    ...SystemApi,
    ...PipelineApi,
    ...WorkersApi,
    ...MediaServerApi,
    ...EventSchemas,
    ...AuthDecisionSchemas,
    ...AuthCheckSchemas,
    ...EventsApi
  }).filter(Schema.isSchema) as ReadonlyArray<Schema.Codec<unknown>>
  const named = schemas.flatMap((schema) => {
    const { identifier, examples = [] } = (Schema.toEncoded(schema).ast.annotations ?? {}) as Json
    return identifier === undefined ? [] : [{ identifier, examples, schema }]
  })

  it("are those of all schemas in the document, but for problems and parts without one", () => {
    const without = Object.entries<Json>(spec.components.schemas).filter(([, schema]) => schema.examples === undefined)
    expect(without.map(([name]) => name).toSorted()).toEqual(["FieldError", "Metadata", "MetadataValue"])
    for (const { identifier, examples } of named) expect(spec.components.schemas[identifier].examples).toEqual(examples)
  })

  it.each(named)("of $identifier decode with its schema", ({ examples, schema }) => {
    expect(examples).toHaveLength(1)
    const decode = Schema.decodeUnknownSync(Schema.toCodecJson(schema))
    for (const example of examples) expect(() => decode(example)).not.toThrow()
  })
})
