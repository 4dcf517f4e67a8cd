/**
 * Checks a reading again: reads the list of paths, the lists that the caller names, and those that are too old. The lists of other protocols still
 * have what a pass has to know while the same process shows the same publishers of theirs on its paths. Where it does not, they are read, too.
 */
import {
  type ListedPath,
  type MediaServerSnapshot,
  type MediaServerUnavailable,
  type Protocol,
  protocols,
  saysPublishEarly,
  sourceTypes
} from "@greenroom/core"
import { monotonicMillis } from "@greenroom/core/internal"
import { Effect } from "effect"
import type { ApiAccess } from "./ApiAccess.ts"
import type { RunningServer } from "./RunningServer.ts"
import { pathsOf, type Reading, type ReadList, readSources, sourcesOf } from "./readSnapshot.ts"

/**
 * How old the lists may be in which a publisher stands before it is on a path: WebRTC's, and MoQ's. One that was never admitted is found that
 * much later, so this and a pass have to fit into the 5 s within which it must be gone. A publisher of another protocol is on a path.
 */
const EARLY_LISTS_VALID_MS = 3_000

const isSamePublisher = (one: ListedPath, other: ListedPath | undefined): boolean =>
  one.sourceId === other?.sourceId &&
  one.name === other.name &&
  one.ready === other.ready &&
  one.sourceType === other.sourceType

const areSamePublishers = (one: MediaServerSnapshot["paths"], other: MediaServerSnapshot["paths"]): boolean =>
  one.length === other.length && one.every((path, index) => isSamePublisher(path, other[index]))

const without = (paths: MediaServerSnapshot["paths"], others: MediaServerSnapshot["paths"]) => {
  const bySource = new Map(others.map((path) => [path.sourceId, path]))
  return paths.filter((path) => !isSamePublisher(path, bySource.get(path.sourceId)))
}

/** `webRTCSession` is `webrtcSession` up to 1.10. */
const protocolsBySourceType = new Map(protocols.map((protocol) => [sourceTypes[protocol].toLowerCase(), protocol]))

/** The protocols of the publishers that have come, left or changed; `null` when one of them has a list that is not known. */
const changedProtocols = (
  one: MediaServerSnapshot["paths"],
  other: MediaServerSnapshot["paths"]
): ReadonlySet<Protocol> | null => {
  if (areSamePublishers(one, other)) return new Set()
  const changed = new Set<Protocol>()
  for (const { sourceType } of [...without(one, other), ...without(other, one)]) {
    const protocol = protocolsBySourceType.get(sourceType.toLowerCase())
    if (protocol === undefined) return null
    changed.add(protocol)
  }
  return changed
}

const hasOneOf = (paths: MediaServerSnapshot["paths"], others: MediaServerSnapshot["paths"]): boolean => {
  const ids = new Set(others.map(({ sourceId }) => sourceId))
  return paths.some(({ sourceId }) => ids.has(sourceId))
}

const readDue = (access: ApiAccess, { server, lists }: Reading, isDue: (list: ReadList) => boolean) =>
  Effect.forEach(lists, (list) => (isDue(list) ? readSources(access, server, list.protocol) : Effect.succeed(list)), {
    concurrency: "unbounded"
  })

/**
 * `null` when another process answers, or when it is not known which lists a change concerns. A publisher that is still on its path proves the
 * process of the list of paths, because ids are random and never repeat. With other lists `/v3/info` comes last: a process that is the same
 * before and after them has answered them.
 */
export const readAgain = Effect.fnUntraced(function* (
  access: ApiAccess,
  meanwhile: (server: RunningServer) => Effect.Effect<void>,
  before: Reading,
  asked: ReadonlySet<Protocol>
): Effect.fn.Return<Reading | null, MediaServerUnavailable> {
  const now = yield* monotonicMillis
  const { server, snapshot: shown } = before
  const isEarlyDue = now - before.earlyReadAt >= EARLY_LISTS_VALID_MS
  const isDue = ({ protocol, items }: ReadList) =>
    asked.has(protocol) || (isEarlyDue && saysPublishEarly(protocol) && items !== null)
  const [first, onPaths] = yield* Effect.all([readDue(access, before, isDue), access.paths, meanwhile(server)], {
    concurrency: "unbounded"
  })
  const isListRead = first.some((list, index) => list !== before.lists[index])
  if (!isListRead && onPaths === before.onPaths && shown.paths.length > 0) return before
  const changed = changedProtocols(pathsOf(access, { server, lists: first, onPaths }).paths, shown.paths)
  if (changed === null) return null
  const isMissed = (list: ReadList) => changed.has(list.protocol) && before.lists.includes(list)
  const second = first.some(isMissed) ? yield* readDue(access, { ...before, lists: first }, isMissed) : first
  const areNew = isListRead || second !== first
  const { paths, ownPaths, readers } = pathsOf(access, { server, lists: second, onPaths })
  const isProven = !areNew && hasOneOf(paths, shown.paths)
  if (!isProven && (yield* access.identify.now) !== server) return null
  if (!areNew && onPaths === before.onPaths) return before
  const lists = areNew ? second : before.lists
  const sources = areNew ? sourcesOf(lists, paths) : shown.sources
  const earlyReadAt = isEarlyDue ? now : before.earlyReadAt
  return {
    ...before,
    earlyReadAt,
    lists,
    onPaths,
    snapshot: { started: server.started, sources, paths, ownPaths, readers }
  }
})
