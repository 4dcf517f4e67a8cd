/**
 * Reads one snapshot: every list in one page, and `/v3/info` before and after, so that no snapshot spans two processes.
 * `/v3/paths/list` hangs while an auth is pending, and RTSP lists can hang as well: the snapshot waits for them, up to its
 * caller's deadline. Up to 1.19.2, RTSP publishers and their paths get the ids of their connections; viewers keep those of their sessions.
 */
import {
  type ListedPath,
  type MediaServerSnapshot,
  type MediaServerUnavailable,
  type Protocol,
  protocols
} from "@greenroom/core"
import { monotonicMillis } from "@greenroom/core/internal"
import { Effect } from "effect"
import type { ApiAccess } from "./ApiAccess.ts"
import { type Decode, decodeAnswer } from "./answerBody.ts"
import type { Call } from "./Call.ts"
import type { ControlApi } from "./ControlApi.ts"
import {
  type ConnectionItem,
  ConnectionList,
  listedPath,
  listedSource,
  ownPath,
  type PathItem,
  PathList
} from "./ControlApiSchema.ts"
import { quickConnections, quickPaths } from "./listDecoders.ts"
import { itemsOf, ONE_PAGE } from "./listPages.ts"
import { type RunningServer, restartedDuringSnapshot } from "./RunningServer.ts"
import { readersOf } from "./readers.ts"
import { callOn, isRtsp } from "./routes.ts"
import { authHasRtspConnectionId } from "./versionDifferences.ts"

const pathsCall: Call = { method: "GET", route: "/v3/paths/list", rest: ONE_PAGE }

const decodeConnections = decodeAnswer(ConnectionList, quickConnections)
export const decodePaths: Decode<typeof PathList.Type> = decodeAnswer(PathList, quickPaths)

export const readPaths = (api: ControlApi, decode = decodePaths) =>
  Effect.flatMap(api(pathsCall), (answer) => itemsOf(pathsCall, answer, decode))

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

export interface ReadList {
  readonly protocol: Protocol
  /** `null`: there is no such list. */
  readonly items: ReadonlyArray<ConnectionItem> | null
}

export const readSources = (
  access: ApiAccess,
  server: RunningServer,
  protocol: Protocol
): Effect.Effect<ReadList, MediaServerUnavailable> =>
  Effect.map(readList(access, server, protocol), (items) => ({ protocol, items }))

/** A snapshot, and what it was made of. Times are in milliseconds of the monotonic clock. */
export interface Reading {
  readonly server: RunningServer
  /** When the reading of all lists began. */
  readonly allReadAt: number
  /** When the lists were read in which a publisher may stand before it is on a path. */
  readonly earlyReadAt: number
  readonly lists: ReadonlyArray<ReadList>
  readonly onPaths: ReadonlyArray<PathItem>
  readonly snapshot: MediaServerSnapshot
}

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

export const pathsOf = (
  { rtspIds }: ApiAccess,
  { server, lists, onPaths }: Pick<Reading, "server" | "lists" | "onPaths">
): Pick<MediaServerSnapshot, "paths" | "ownPaths" | "readers"> => {
  const asListed = onPaths.flatMap((item) => listedPath(item) ?? [])
  const renamed = authHasRtspConnectionId(server.build) ? asListed.map(rtspIds.renamePath) : asListed
  return {
    paths: renamed.map(markUnlistable(lists)),
    ownPaths: onPaths.flatMap((item) => ownPath(item) ?? []),
    readers: onPaths.flatMap(readersOf)
  }
}

export const sourcesOf = (lists: ReadonlyArray<ReadList>, paths: ReadonlyArray<ListedPath>) => {
  const publishing = new Set(paths.map(({ sourceId }) => sourceId))
  return lists.flatMap(({ protocol, items }) => (items ?? []).map((item) => listedSource(protocol, item, publishing)))
}

const snapshotOf = (
  access: ApiAccess,
  { server, lists, onPaths }: Pick<Reading, "server" | "lists" | "onPaths">
): MediaServerSnapshot => {
  const shown = pathsOf(access, { server, lists, onPaths })
  return { started: server.started, sources: sourcesOf(lists, shown.paths), ...shown }
}

/** `meanwhile` runs beside the lists. It must not fail. */
export const readSnapshot = Effect.fnUntraced(function* (
  access: ApiAccess,
  meanwhile: (server: RunningServer) => Effect.Effect<void>
): Effect.fn.Return<Reading, MediaServerUnavailable> {
  const at = yield* monotonicMillis
  const server = yield* access.identify.now
  const [lists, onPaths] = yield* Effect.all(
    [
      Effect.forEach(protocols, (protocol) => readSources(access, server, protocol), { concurrency: "unbounded" }),
      access.paths,
      meanwhile(server)
    ],
    { concurrency: "unbounded" }
  )
  if ((yield* access.identify.now) !== server) return yield* restartedDuringSnapshot
  const snapshot = snapshotOf(access, { server, lists, onPaths })
  return { server, allReadAt: at, earlyReadAt: at, lists, onPaths, snapshot }
})
