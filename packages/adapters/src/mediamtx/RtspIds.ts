/**
 * Remembers the TCP connection of each RTSP session, for versions up to 1.19.2: outside of the adapter, a source has the id of
 * its connection (see `rtspConnections.ts`). An entry lasts while the session is listed or is the source of a path: over UDP, a
 * session may outlive its connection and keeps its id. The connections are read only when a session without an entry
 * is listed: from 1.11.0 to 1.11.2 that call can, rarely, lock up MediaMTX's RTSP server (it takes a lock twice).
 *
 * Limits:
 * - entries are lost at a restart, and instances do not share them. A session without an entry whose connection has closed is in
 *   the snapshot under its own id, as an unauthorized publisher. A kick by that id works; a lookup by the connection's id finds
 *   nothing;
 * - two sessions that a client announces on one connection have one id.
 */
import type { ListedPath, MediaServerSnapshot, MediaServerUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import { decodeAnswer } from "./answerBody.ts"
import { unavailable } from "./Call.ts"
import { deniesId } from "./ControlApi.ts"
import { RtspConnectionItem, RtspConnectionList, type RtspSessionItem, RtspSessionList } from "./ControlApiSchema.ts"
import { itemsOf, ONE_PAGE } from "./listPages.ts"
import { callOn, callOnConnections, type Lists, type RtspProtocol } from "./routes.ts"
import { matchConnections } from "./rtspConnections.ts"

const decodeSessions = decodeAnswer(RtspSessionList)
const decodeConnections = decodeAnswer(RtspConnectionList)
const decodeConnection = decodeAnswer(RtspConnectionItem)

const listSessions = Effect.fnUntraced(function* (lists: Lists, protocol: RtspProtocol) {
  const call = callOn("old", protocol, "list", ONE_PAGE)
  const answer = yield* lists(protocol, call)
  return answer._tag === "NoRoute" ? null : yield* itemsOf(call, answer, decodeSessions)
})

const listConnections = Effect.fnUntraced(function* (lists: Lists, protocol: RtspProtocol) {
  const call = callOnConnections(protocol, "list", ONE_PAGE)
  return yield* itemsOf(call, yield* lists(protocol, call), decodeConnections)
})

/** Bounds the entries of incomplete snapshots. A complete snapshot removes the entries that it does not show. */
const MAX_REMEMBERED = 100_000

export interface RtspIds {
  /** The sessions of one list under the ids of their connections; `null` when there is no such list. */
  readonly list: (
    protocol: RtspProtocol
  ) => Effect.Effect<ReadonlyArray<RtspSessionItem> | null, MediaServerUnavailable>
  readonly renamePath: (path: ListedPath) => ListedPath
  /** Removes all entries except those that a complete snapshot shows, in a list or on a path. */
  readonly retain: (snapshot: Pick<MediaServerSnapshot, "sources" | "paths">) => void
  /**
   * The session of a connection; `gone` when the connection has none. When no connection has the id: the session with that entry,
   * else the id itself, because it may be the id of a session without a connection.
   */
  readonly sessionOf: (
    protocol: RtspProtocol,
    id: string
  ) => Effect.Effect<{ readonly session: string } | "gone", MediaServerUnavailable>
}

export const makeRtspIds = (lists: Lists): RtspIds => {
  /** Connection ids by session id. */
  const remembered = new Map<string, string>()
  const remember = (found: ReadonlyMap<string, string>) => {
    for (const [session, connection] of found) remembered.set(session, connection)
    for (const session of remembered.keys()) {
      if (remembered.size <= MAX_REMEMBERED) break
      remembered.delete(session)
    }
  }
  const isNew = ({ id }: RtspSessionItem) => !remembered.has(id)
  const renamed = (id: string) => remembered.get(id) ?? id

  const list = Effect.fnUntraced(function* (protocol: RtspProtocol) {
    let sessions = yield* listSessions(lists, protocol)
    if (sessions === null) return null
    if (sessions.some(isNew)) {
      remember(matchConnections(sessions.filter(isNew), yield* listConnections(lists, protocol)))
    }
    // The session of a connection that closed between the two lists is leaving. It must not appear as an unauthorized publisher.
    if (sessions.some(isNew)) {
      const still = new Set((yield* listSessions(lists, protocol))?.map(({ id }) => id))
      sessions = sessions.filter(({ id }) => still.has(id))
    }
    return sessions.map((session) => ({ ...session, id: renamed(session.id) }))
  })

  const retain = ({ sources, paths }: Pick<MediaServerSnapshot, "sources" | "paths">) => {
    const shown = new Set([...sources.map(({ id }) => id), ...paths.map(({ sourceId }) => sourceId)])
    for (const [session, connection] of remembered) if (!shown.has(connection)) remembered.delete(session)
  }

  const sessionOf = Effect.fnUntraced(function* (protocol: RtspProtocol, id: string) {
    const call = callOnConnections(protocol, "get", `/${id}`)
    const answer = yield* lists(protocol, call)
    if (answer._tag === "Refused" && !deniesId(answer))
      return yield* unavailable(call, "nonsense", `status ${answer.status}`)
    if (answer._tag !== "Ok") {
      return { session: [...remembered].find(([, connection]) => connection === id)?.[0] ?? id }
    }
    const connection = yield* decodeConnection(call, answer.body)
    if (typeof connection.session === "string") return { session: connection.session }
    // Before 1.11, and while an auth is pending, a connection does not name its session.
    const [session] = matchConnections((yield* listSessions(lists, protocol)) ?? [], [connection]).keys()
    return session === undefined ? ("gone" as const) : { session }
  })

  const renamePath = (path: ListedPath) => ({ ...path, sourceId: renamed(path.sourceId) })
  return { list, renamePath, retain, sessionOf }
}
