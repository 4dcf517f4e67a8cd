/**
 * Reads one snapshot: every list in one page, and `/v3/info` before and after, so that no snapshot spans two processes.
 * `/v3/paths/list` hangs while an auth is pending, and RTSP lists can hang as well: the snapshot waits for them, up to its
 * caller's deadline. Up to 1.19.2, RTSP sessions and paths get the ids of their connections.
 *
 * A reading can be checked again with one call or two: the list of paths, then `/v3/info` where no publisher proves the process. When
 * they show the same publishers in the same process, the protocols' lists of that reading still have what a pass has to know.
 */
import {
  type ListedPath,
  type MediaServerSnapshot,
  type MediaServerUnavailable,
  monotonicMillis,
  type Protocol,
  protocols,
  saysPublishEarly
} from "@greenroom/core"
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

const pathsOf = (
  { rtspIds }: ApiAccess,
  { server, lists, onPaths }: Pick<Reading, "server" | "lists" | "onPaths">
): Pick<MediaServerSnapshot, "paths" | "ownPaths"> => {
  const asListed = onPaths.flatMap((item) => listedPath(item) ?? [])
  const renamed = authHasRtspConnectionId(server.build) ? asListed.map(rtspIds.renamePath) : asListed
  return { paths: renamed.map(markUnlistable(lists)), ownPaths: onPaths.flatMap((item) => ownPath(item) ?? []) }
}

const sourcesOf = (lists: ReadonlyArray<ReadList>, paths: ReadonlyArray<ListedPath>) => {
  const publishing = new Set(paths.map(({ sourceId }) => sourceId))
  return lists.flatMap(({ protocol, items }) => (items ?? []).map((item) => listedSource(protocol, item, publishing)))
}

const snapshotOf = (
  access: ApiAccess,
  { server, lists, onPaths }: Pick<Reading, "server" | "lists" | "onPaths">
): MediaServerSnapshot => {
  const { paths, ownPaths } = pathsOf(access, { server, lists, onPaths })
  return { started: server.started, sources: sourcesOf(lists, paths), paths, ownPaths }
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

const isSamePublisher = (one: ListedPath, other: ListedPath | undefined): boolean =>
  one.sourceId === other?.sourceId &&
  one.name === other.name &&
  one.ready === other.ready &&
  one.sourceType === other.sourceType

const areSamePublishers = (one: MediaServerSnapshot, other: MediaServerSnapshot): boolean =>
  one.paths.length === other.paths.length && one.paths.every((path, index) => isSamePublisher(path, other.paths[index]))

/**
 * How old the lists may be in which a publisher stands before it is on a path: WebRTC's, and MoQ's. One that was never admitted is found that
 * much later, so this and a pass have to fit into the 5 s within which it must be gone. A publisher of another protocol is on a path.
 */
const EARLY_LISTS_VALID_MS = 3_000

const shownAgain = (
  access: ApiAccess,
  { server, snapshot }: Reading,
  { lists, onPaths, isEarlyDue }: Pick<Reading, "lists" | "onPaths"> & { readonly isEarlyDue: boolean }
): MediaServerSnapshot => {
  const { paths, ownPaths } = pathsOf(access, { server, lists, onPaths })
  return { started: server.started, sources: isEarlyDue ? sourcesOf(lists, paths) : snapshot.sources, paths, ownPaths }
}

/**
 * The reading with a new list of paths, and with the lists that are too old; `null` when other publishers are on the paths, or another
 * process answers. A publisher that is still on its path proves the process by itself, because ids are random and never repeat. Otherwise
 * `/v3/info` comes last: a process that is the same before and after the other calls has answered them.
 */
export const readAgain = Effect.fnUntraced(function* (
  access: ApiAccess,
  meanwhile: (server: RunningServer) => Effect.Effect<void>,
  before: Reading
): Effect.fn.Return<Reading | null, MediaServerUnavailable> {
  const now = yield* monotonicMillis
  const isEarlyDue = now - before.earlyReadAt >= EARLY_LISTS_VALID_MS
  const isDue = ({ protocol, items }: ReadList) => isEarlyDue && saysPublishEarly(protocol) && items !== null
  const [lists, onPaths] = yield* Effect.all(
    [
      Effect.forEach(
        before.lists,
        (list) => (isDue(list) ? readSources(access, before.server, list.protocol) : Effect.succeed(list)),
        { concurrency: "unbounded" }
      ),
      access.paths,
      meanwhile(before.server)
    ],
    { concurrency: "unbounded" }
  )
  const isUnchanged = !isEarlyDue && onPaths === before.onPaths
  const snapshot = isUnchanged ? before.snapshot : shownAgain(access, before, { lists, onPaths, isEarlyDue })
  if (!areSamePublishers(snapshot, before.snapshot)) return null
  const isProven = snapshot.paths.length > 0 && !isEarlyDue
  if (!isProven && (yield* access.identify.now) !== before.server) return null
  if (isUnchanged) return before
  return isEarlyDue ? { ...before, earlyReadAt: now, lists, onPaths, snapshot } : { ...before, onPaths, snapshot }
})
