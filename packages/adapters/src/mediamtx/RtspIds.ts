/**
 * What a client of versions up to 1.19.2 remembers of RTSP sessions: the connection of each, whose id is the source's outside of
 * the adapter (see `rtspConnections.ts`). Remembered for as long as the session is listed or the source of a path, because one over
 * UDP may outlive its connection and keeps its id. The connections are asked about only when a session is listed that is
 * not remembered: from 1.11.0 to 1.11.2 each such call can, rarely, lock up MediaMTX's RTSP server (it takes a lock twice).
 *
 * Limits. What another instance, or this one before it was started anew, had remembered is not known: a session whose connection
 * is closed by then stands in the look under its own id, as a publisher that was not admitted, and its kick works by that id; by
 * the connection's id it is gone. A client that announces twice on one connection has one id for both.
 */
import type { ListedPath, MediaServerSnapshot, MediaServerUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import { decodeAnswer, saysGone, unavailable } from "./ControlApi.ts"
import { RtspConnectionItem, RtspConnectionList, type RtspSessionItem, RtspSessionList } from "./ControlApiSchema.ts"
import { itemsOf, ONE_PAGE } from "./pages.ts"
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

/** Of looks that were never whole. A whole one forgets what it does not show. */
const MAX_REMEMBERED = 100_000

export interface RtspIds {
  /** The sessions of one list under the ids of their connections; `null` where there is no such list. */
  readonly list: (
    protocol: RtspProtocol
  ) => Effect.Effect<ReadonlyArray<RtspSessionItem> | null, MediaServerUnavailable>
  readonly renamePath: (path: ListedPath) => ListedPath
  /** Forgets all sessions but those that a whole look shows, in a list or on a path. */
  readonly retain: (look: Pick<MediaServerSnapshot, "sources" | "paths">) => void
  /**
   * The session of a connection; `gone` for a connection without one. For an id that is no connection's: the session whose
   * connection that was, else the id itself, which may be that of a session without a connection.
   */
  readonly sessionOf: (
    protocol: RtspProtocol,
    id: string
  ) => Effect.Effect<{ readonly session: string } | "gone", MediaServerUnavailable>
}

export const makeRtspIds = (lists: Lists): RtspIds => {
  /** Connections by session. */
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
    // One whose connection has closed in between leaves, too: it must not look like a publisher that was not admitted.
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
    if (answer._tag === "Refused" && !saysGone(answer))
      return yield* unavailable(call, "nonsense", `status ${answer.status}`)
    if (answer._tag !== "Ok") {
      return { session: [...remembered].find(([, connection]) => connection === id)?.[0] ?? id }
    }
    const connection = yield* decodeConnection(call, answer.body)
    if (typeof connection.session === "string") return { session: connection.session }
    // Before 1.11, and while an auth is pending, it does not name its session.
    const [session] = matchConnections((yield* listSessions(lists, protocol)) ?? [], [connection]).keys()
    return session === undefined ? ("gone" as const) : { session }
  })

  const renamePath = (path: ListedPath) => ({ ...path, sourceId: renamed(path.sourceId) })
  return { list, renamePath, retain, sessionOf }
}
