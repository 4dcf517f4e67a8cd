/**
 * A control API of any version, by hand: what its lists hold is what a test writes into them. Lists go by their old names here; one
 * that is not there is a protocol that is off.
 */
import { Effect } from "effect"
import { type Answer, json, noRoute, serverToCutOf } from "./client.ts"

export type Item = Readonly<Record<string, unknown>> & { readonly id: string }

export interface FakeMediaMtx {
  /** Of `/v3/info`, which is not there without it. */
  version: string | null
  started: string
  names: "old" | "new" | "both" | "neither"
  readonly lists: Record<string, Array<Item>>
  paths: Array<unknown>
  config: Record<string, unknown>
  pathDefaults: unknown
  /** A request that is answered otherwise, or of which a test wants to know. */
  intercept: (request: string) => Answer | "cut" | undefined
  readonly requests: Array<string>
}

const gone = json({ status: "error", error: "connection not found" }, 404)

const pageOf = (items: ReadonlyArray<unknown>) => json({ itemCount: items.length, pageCount: 1, items })

/** `/v3/rtsp/sessions/get/x` as `["rtspsessions", "get", "x"]`, by the names that it goes by. */
const listRequest = ({ names }: FakeMediaMtx, path: string): ReadonlyArray<string> | undefined => {
  const old = /^\/v3\/(\w+)\/(list|get|kick)(?:\/([^/]+))?$/.exec(path)
  if (old !== null && names !== "new") return old.slice(1)
  const now = /^\/v3\/(\w+)\/(conns|sessions)\/(list|get|kick)(?:\/([^/]+))?$/.exec(path)
  if (now === null || names === "old") return undefined
  return [`${now[1]}${now[2]}`, ...now.slice(3)]
}

const kick = (fake: FakeMediaMtx, id: string): Answer => {
  for (const items of Object.values(fake.lists)) {
    const at = items.findIndex((item) => item.id === id)
    if (at !== -1) items.splice(at, 1)
  }
  return json({ status: "ok" })
}

const answerOf = (fake: FakeMediaMtx, path: string): Answer => {
  if (path === "/v3/info") {
    return fake.version === null ? noRoute : json({ version: fake.version, started: fake.started })
  }
  if (path === "/v3/paths/list") return pageOf(fake.paths)
  if (path === "/v3/config/global/get") return json(fake.config)
  if (path === "/v3/config/pathdefaults/get" && ["old", "both"].includes(fake.names)) return json(fake.pathDefaults)
  if (path === "/v3/config/path-defaults/get" && ["new", "both"].includes(fake.names)) return json(fake.pathDefaults)
  const [name = "", verb, id = ""] = listRequest(fake, path) ?? []
  const items = fake.lists[name]
  if (items === undefined) return noRoute
  if (verb === "list") return pageOf(items)
  const item = items.find((one) => one.id === id)
  if (item === undefined) return gone
  return verb === "kick" ? kick(fake, id) : json(item)
}

export const fakeMediaMtx = Effect.fnUntraced(function* (state: Partial<FakeMediaMtx> = {}) {
  const fake: FakeMediaMtx = {
    version: "v1.20.1",
    started: "2026-01-01T00:00:00Z",
    names: "old",
    lists: {},
    paths: [],
    config: {},
    pathDefaults: {},
    intercept: () => undefined,
    requests: [],
    ...state
  }
  const { url: apiUrl, cutIdle } = yield* serverToCutOf((request) => {
    fake.requests.push(request)
    const [, path = ""] = /^[A-Z]+ ([^?]+)/.exec(request) ?? []
    return fake.intercept(request) ?? answerOf(fake, path)
  })
  return { fake, apiUrl, cutIdle }
})

/** The path of a publisher. */
export const onPath = (name: string, type: string, id: string) => ({ name, ready: true, source: { type, id } })
