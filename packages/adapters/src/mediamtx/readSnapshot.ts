/**
 * One whole look. Every list in one page; `/v3/info` before and after, so that no look spans two processes.
 * `/v3/paths/list` hangs while an auth is pending, and RTSP lists can: the look waits for them, up to the deadline that its
 * caller sets. Where RTSP's ids are the connections' (up to 1.19.2), its sessions and paths come under those.
 */
import {
  type ListedPath,
  type MediaServerSnapshot,
  type MediaServerUnavailable,
  type Protocol,
  protocols
} from "@greenroom/core"
import { Effect } from "effect"
import type { Asking } from "./Asking.ts"
import { type Call, type ControlApi, decodeAnswer } from "./ControlApi.ts"
import { type ConnectionItem, ConnectionList, listedPath, listedSource, ownPath, PathList } from "./ControlApiSchema.ts"
import { itemsOf, ONE_PAGE } from "./pages.ts"
import { rtspIdIsConnections } from "./Release.ts"
import { changedDuringLook, type RunningServer } from "./RunningServer.ts"
import { callOn, isRtsp } from "./routes.ts"

const pathsCall: Call = { method: "GET", route: "/v3/paths/list", rest: ONE_PAGE }

const decodeConnections = decodeAnswer(ConnectionList)
const decodePaths = decodeAnswer(PathList)

const readPaths = Effect.fnUntraced(function* (api: ControlApi) {
  return yield* itemsOf(pathsCall, yield* api(pathsCall), decodePaths)
})

/** Fails where no MediaMTX answers. */
export const showsPaths = (api: ControlApi) => Effect.asVoid(readPaths(api))

const readList = Effect.fnUntraced(function* (
  { lists, rtspIds }: Asking,
  { names, release }: RunningServer,
  protocol: Protocol
): Effect.fn.Return<ReadonlyArray<ConnectionItem> | null, MediaServerUnavailable> {
  if (isRtsp(protocol) && rtspIdIsConnections(release)) return yield* rtspIds.list(protocol)
  const call = callOn(names, protocol, "list", ONE_PAGE)
  const answer = yield* lists(protocol, call)
  return answer._tag === "NoRoute" ? null : yield* itemsOf(call, answer, decodeConnections)
})

interface ReadList {
  readonly protocol: Protocol
  /** `null`: there is no such list. */
  readonly items: ReadonlyArray<ConnectionItem> | null
}

const readSources = (
  asking: Asking,
  server: RunningServer,
  protocol: Protocol
): Effect.Effect<ReadList, MediaServerUnavailable> =>
  Effect.map(readList(asking, server, protocol), (items) => ({ protocol, items }))

/**
 * Marks RTSP's publishers whose list is missing: it was renamed, or a proxy hides it. MediaMTX has not lost them, so they are not to be taken
 * for those whose path is reset.
 */
const markUnlistable =
  (lists: ReadonlyArray<ReadList>) =>
  (path: ListedPath): ListedPath =>
    lists.some(({ protocol, items }) => isRtsp(protocol) && items === null && path.sourceType === `${protocol}Session`)
      ? { ...path, unlistable: true }
      : path

/** `meanwhile` runs beside the lists, with the server that answers; it does not fail. */
export const readSnapshot = Effect.fnUntraced(function* (
  asking: Asking,
  meanwhile: (server: RunningServer) => Effect.Effect<void>
): Effect.fn.Return<MediaServerSnapshot, MediaServerUnavailable> {
  const server = yield* asking.identify.now
  const [read, onPaths] = yield* Effect.all(
    [
      Effect.forEach(protocols, (protocol) => readSources(asking, server, protocol), { concurrency: "unbounded" }),
      readPaths(asking.api),
      meanwhile(server)
    ],
    { concurrency: "unbounded" }
  )
  if ((yield* asking.identify.now) !== server) return yield* changedDuringLook
  const asListed = onPaths.flatMap((item) => listedPath(item) ?? [])
  const renamed = rtspIdIsConnections(server.release) ? asListed.map(asking.rtspIds.renamePath) : asListed
  const paths = renamed.map(markUnlistable(read))
  const publishing = new Set(paths.map(({ sourceId }) => sourceId))
  const sources = read.flatMap(({ protocol, items }) =>
    (items ?? []).map((item) => listedSource(protocol, item, publishing))
  )
  return { started: server.started, sources, paths, ownPaths: onPaths.flatMap((item) => ownPath(item) ?? []) }
})
