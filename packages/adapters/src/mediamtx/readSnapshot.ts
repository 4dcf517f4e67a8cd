/**
 * Reads one snapshot: every list in one page, and `/v3/info` before and after, so that no snapshot spans two processes.
 * `/v3/paths/list` hangs while an auth is pending, and RTSP lists can hang as well: the snapshot waits for them, up to its
 * caller's deadline. Up to 1.19.2, RTSP sessions and paths get the ids of their connections.
 */
import {
  type ListedPath,
  type MediaServerSnapshot,
  type MediaServerUnavailable,
  type Protocol,
  protocols
} from "@greenroom/core"
import { Effect } from "effect"
import type { ApiAccess } from "./ApiAccess.ts"
import { type Call, type ControlApi, decodeAnswer } from "./ControlApi.ts"
import { type ConnectionItem, ConnectionList, listedPath, listedSource, ownPath, PathList } from "./ControlApiSchema.ts"
import { itemsOf, ONE_PAGE } from "./listPages.ts"
import { type RunningServer, restartedDuringSnapshot } from "./RunningServer.ts"
import { callOn, isRtsp } from "./routes.ts"
import { authHasRtspConnectionId } from "./versionDifferences.ts"

const pathsCall: Call = { method: "GET", route: "/v3/paths/list", rest: ONE_PAGE }

const decodeConnections = decodeAnswer(ConnectionList)
const decodePaths = decodeAnswer(PathList)

const readPaths = Effect.fnUntraced(function* (api: ControlApi) {
  return yield* itemsOf(pathsCall, yield* api(pathsCall), decodePaths)
})

/** Fails when the server that answers is not a MediaMTX. */
export const showsPaths = (api: ControlApi) => Effect.asVoid(readPaths(api))

const readList = Effect.fnUntraced(function* (
  { lists, rtspIds }: ApiAccess,
  { names, build }: RunningServer,
  protocol: Protocol
): Effect.fn.Return<ReadonlyArray<ConnectionItem> | null, MediaServerUnavailable> {
  if (isRtsp(protocol) && authHasRtspConnectionId(build)) return yield* rtspIds.list(protocol)
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
  access: ApiAccess,
  server: RunningServer,
  protocol: Protocol
): Effect.Effect<ReadList, MediaServerUnavailable> =>
  Effect.map(readList(access, server, protocol), (items) => ({ protocol, items }))

/**
 * Marks the RTSP publishers of a missing list: its route was renamed, or a proxy hides it. MediaMTX has not lost these
 * publishers, so their paths must not be reset.
 */
const markUnlistable =
  (lists: ReadonlyArray<ReadList>) =>
  (path: ListedPath): ListedPath =>
    lists.some(({ protocol, items }) => isRtsp(protocol) && items === null && path.sourceType === `${protocol}Session`)
      ? { ...path, unlistable: true }
      : path

/** `meanwhile` runs beside the lists. It must not fail. */
export const readSnapshot = Effect.fnUntraced(function* (
  access: ApiAccess,
  meanwhile: (server: RunningServer) => Effect.Effect<void>
): Effect.fn.Return<MediaServerSnapshot, MediaServerUnavailable> {
  const server = yield* access.identify.now
  const [read, onPaths] = yield* Effect.all(
    [
      Effect.forEach(protocols, (protocol) => readSources(access, server, protocol), { concurrency: "unbounded" }),
      readPaths(access.api),
      meanwhile(server)
    ],
    { concurrency: "unbounded" }
  )
  if ((yield* access.identify.now) !== server) return yield* restartedDuringSnapshot
  const asListed = onPaths.flatMap((item) => listedPath(item) ?? [])
  const renamed = authHasRtspConnectionId(server.build) ? asListed.map(access.rtspIds.renamePath) : asListed
  const paths = renamed.map(markUnlistable(read))
  const publishing = new Set(paths.map(({ sourceId }) => sourceId))
  const sources = read.flatMap(({ protocol, items }) =>
    (items ?? []).map((item) => listedSource(protocol, item, publishing))
  )
  return { started: server.started, sources, paths, ownPaths: onPaths.flatMap((item) => ownPath(item) ?? []) }
})
