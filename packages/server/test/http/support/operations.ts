/** Every operation of the served document that needs a credential, ready to be called on things that exist. For laws over all of them. */
import type { Scope } from "@greenroom/core"
import { type Answer, call, newBroadcaster } from "./client.ts"
import { endpoints } from "./endpoints.ts"
import { authenticateThrough, onAir, watching } from "./media.ts"
import type { Service } from "./service.ts"

// biome-ignore lint/suspicious/noExplicitAny: the document is open JSON
type Json = any

export interface Operation {
  readonly id: string
  readonly method: string
  /** As the document has it: `/streams/{id}`. */
  readonly path: string
  readonly scope: Scope | null
  readonly changes: boolean
  readonly body: unknown
  readonly deprecated?: boolean
}

/** Ids of things of one broadcaster, by the first segment of the paths that name them. */
export type Things = Readonly<Record<string, string>>

const bodyOf = (method: string, path: string, operation: Json): unknown => {
  const known = endpoints.find((one) => one.method === method && one.path === path.replace(/\{\w+\}/, ":id"))
  return known?.body ?? operation.requestBody?.content["application/json"].example
}

/** Its question does not fit into a query, and holds secrets. */
const READS_BY_POST = new Set(["auth_decisions.check"])

/** `GET /events/stream` is not among them: its answer has no end. */
export const operationsOf = async (service: Service): Promise<ReadonlyArray<Operation>> => {
  const { json: spec } = await call(service, "GET", "/openapi.json", { secret: null })
  return Object.entries<object>(spec.paths).flatMap(([path, item]) =>
    Object.entries<Json>(item)
      .filter(([, operation]) => operation.security.some((scheme: Json) => "api_key" in scheme))
      .filter(() => path !== "/events/stream")
      .map(([verb, operation]) => {
        const method = verb.toUpperCase()
        return {
          id: operation.operationId,
          method,
          path,
          scope: operation["x-required-scope"] ?? null,
          changes: method !== "GET" && !READS_BY_POST.has(operation.operationId),
          body: bodyOf(method, path, operation)
        }
      })
  )
}

/** A broadcaster with one of everything: on the air, and watched. */
export const thingsOf = async (service: Service, name: string): Promise<Things> => {
  const broadcaster = (await newBroadcaster(service, name)).id as string
  const create = async (path: string, body: object) =>
    (await call(service, "POST", path, { body: { ...body, broadcaster_id: broadcaster } })).json
  const path = `live/${name}`
  const key = await create("/stream-keys", { path })
  await authenticateThrough(service)
  const { stream } = await onAir(service, key.key_value, path)
  const viewer = await watching(service, { protocol: "webrtc", path })
  return {
    broadcasters: broadcaster,
    "stream-keys": key.id,
    streams: stream.id,
    viewers: viewer.id,
    "playback-tokens": (await create("/playback-tokens", {})).id,
    "webhook-endpoints": (await create("/webhook-endpoints", { url: "http://127.0.0.1:9/hooks" })).id,
    "api-tokens": (await create("/api-tokens", { name: "of the broadcaster", scopes: ["streams:read"] })).id
  }
}

export const newToken = async (
  service: Service,
  body: object
): Promise<{ readonly id: string; readonly token: string }> =>
  (await call(service, "POST", "/api-tokens", { body: { name: "a test", ...body } })).json

const filled = (path: string, things: Things): string =>
  path
    .replace("{viewer_id}", "user-4711")
    .replace(/^\/([\w-]+)\/\{\w+\}/, (_, first: string) => `/${first}/${things[first] ?? "x"}`)

/** `things`: whose ids stand in the path, and in the body. */
export const play = (
  service: Service,
  operation: Operation,
  things: Things,
  credential: string | null
): Promise<Answer> => {
  const { method, path, body } = operation
  const owned =
    body !== null && typeof body === "object" && "broadcaster_id" in body
      ? { ...body, broadcaster_id: things.broadcasters }
      : body
  return call(service, method, filled(path, things), {
    secret: credential,
    ...(owned === undefined ? {} : { body: owned })
  })
}
