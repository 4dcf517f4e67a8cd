/**
 * One whole look. Every list in one page, because walking pages is no snapshot; `started` before and after, so that no look
 * spans two processes. `/v3/paths/list` hangs while an auth is pending, and RTSP lists can: the look waits for them, up to the
 * deadline that its caller sets.
 */
import { type Look, type MediaServerUnavailable, type Protocol, protocols } from "@greenroom/core"
import { Effect } from "effect"
import { type Answer, type Call, type ControlApi, decodeAnswer, unavailable } from "./ControlApi.ts"
import { callOn, type Lists } from "./lists.ts"
import { type ConnectionItem, ConnectionList, Info, listedPath, listedSource, PathList } from "./Wire.ts"

/** More than a MediaMTX holds; MediaMTX takes up to 2^31 - 1. */
const ONE_PAGE = "?itemsPerPage=1000000"

/** `started` of a version that has no `/v3/info`, or none in it. Restarts of such a server are not noticed as such. */
const STARTED_UNKNOWN = "unknown"

const infoCall: Call = { method: "GET", route: "/v3/info" }
const pathsCall: Call = { method: "GET", route: "/v3/paths/list", rest: ONE_PAGE }

const decodeInfo = decodeAnswer(Info)
const decodeConnections = decodeAnswer(ConnectionList)
const decodePaths = decodeAnswer(PathList)

const readInfo = Effect.fnUntraced(function* (api: ControlApi) {
  const answer = yield* api(infoCall)
  if (answer._tag === "NoRoute") return STARTED_UNKNOWN
  if (answer._tag === "Refused") return yield* unavailable(infoCall, "nonsense", `status ${answer.status}`)
  return (yield* decodeInfo(infoCall, answer.text)).started ?? STARTED_UNKNOWN
})

/** `started`, from a server that has shown to be MediaMTX: an old one, without `/v3/info`, by its list of paths. */
export const readStarted = Effect.fnUntraced(function* (api: ControlApi) {
  const started = yield* readInfo(api)
  if (started === STARTED_UNKNOWN) yield* readPaths(api)
  return started
})

interface Page<A> {
  readonly itemCount: number
  readonly pageCount: number
  readonly items: ReadonlyArray<A>
}

/** The items, if they are all there. */
const whole = <A>(call: Call, page: Page<A>): Effect.Effect<ReadonlyArray<A>, MediaServerUnavailable> =>
  page.pageCount <= 1 && page.items.length === page.itemCount
    ? Effect.succeed(page.items)
    : Effect.fail(unavailable(call, "nonsense", `${page.items.length} of ${page.itemCount} items`))

const textOf = (call: Call, answer: Answer): Effect.Effect<string, MediaServerUnavailable> =>
  answer._tag === "Ok"
    ? Effect.succeed(answer.text)
    : Effect.fail(unavailable(call, "nonsense", answer._tag === "NoRoute" ? "no such route" : answer.error))

const readPaths = Effect.fnUntraced(function* (api: ControlApi) {
  const text = yield* textOf(pathsCall, yield* api(pathsCall))
  const items = yield* whole(pathsCall, yield* decodePaths(pathsCall, text))
  return items.flatMap((item) => listedPath(item) ?? [])
})

const readSources = Effect.fnUntraced(function* (
  lists: Lists,
  protocol: Protocol
): Effect.fn.Return<ReadonlyArray<readonly [Protocol, ConnectionItem]>, MediaServerUnavailable> {
  const call = callOn(protocol, "list", ONE_PAGE)
  const answer = yield* lists(protocol, call)
  if (answer._tag === "NoRoute") return []
  const page = yield* decodeConnections(call, yield* textOf(call, answer))
  return (yield* whole(call, page)).map((item) => [protocol, item] as const)
})

/** `meanwhile` is run with the lists, and told `started`; it does not fail. */
export const lookAround = Effect.fnUntraced(function* (
  api: ControlApi,
  lists: Lists,
  meanwhile: (started: string) => Effect.Effect<void>
): Effect.fn.Return<Look, MediaServerUnavailable> {
  const started = yield* readInfo(api)
  const [items, paths] = yield* Effect.all(
    [
      Effect.forEach(protocols, (protocol) => readSources(lists, protocol), { concurrency: "unbounded" }),
      readPaths(api),
      meanwhile(started)
    ],
    { concurrency: "unbounded" }
  )
  const after = yield* readInfo(api)
  if (after !== started) return yield* unavailable(infoCall, "nonsense", "it was started anew during the look")
  const publishing = new Set(paths.map(({ sourceId }) => sourceId))
  return {
    started,
    sources: items.flat().map(([protocol, item]) => listedSource(protocol, item, publishing)),
    paths,
    ownPaths: []
  }
})
