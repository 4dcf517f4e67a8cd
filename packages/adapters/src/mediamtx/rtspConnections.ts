/**
 * Matches RTSP sessions with TCP connections. Up to 1.19.2 an RTSP publisher has the id of its connection in `/auth`. Lists,
 * paths and kicks have the id of its session. Outside of the adapter a source has the id of `/auth`.
 *
 * Session and connection have the same client address: the session has that of the connection that announced, whose id is in
 * `/auth`. This holds from 1.9 on, and already before the auth call. A client may have two connections with one address, to two
 * addresses of the server. Then MediaMTX's own links decide: `session` of a connection (from 1.11, empty until the auth is
 * answered) and `conns` of a session (from 1.16.2). A connection that is linked to one session is not matched with another.
 */
import type { RtspConnectionItem, RtspSessionItem } from "./ControlApiSchema.ts"

/** A session over UDP may outlive its connection. Another client may then get the port: its connection is younger. */
const mayBeOf = (session: RtspSessionItem, connection: RtspConnectionItem): boolean =>
  session.remoteAddr === connection.remoteAddr && Date.parse(connection.created) <= Date.parse(session.created)

const areLinked = (session: RtspSessionItem, connection: RtspConnectionItem): boolean =>
  connection.session === session.id || session.conns?.includes(connection.id) === true

/** Whether MediaMTX links the connection to another session. */
const isLinkedToAnother = (
  session: RtspSessionItem,
  connection: RtspConnectionItem,
  sessions: ReadonlyArray<RtspSessionItem>
): boolean =>
  (typeof connection.session === "string" && connection.session !== "" && connection.session !== session.id) ||
  sessions.some(({ id, conns }) => id !== session.id && conns?.includes(connection.id) === true)

const only = <A>(items: ReadonlyArray<A>): A | undefined => (items.length === 1 ? items[0] : undefined)

/** The connection of each session, by the session's id. A session whose connection has closed is missing. */
export const matchConnections = (
  sessions: ReadonlyArray<RtspSessionItem>,
  connections: ReadonlyArray<RtspConnectionItem>
): ReadonlyMap<string, string> => {
  const byAddress = Map.groupBy(connections, ({ remoteAddr }) => remoteAddr)
  return new Map(
    sessions.flatMap((session) => {
      const there = byAddress.get(session.remoteAddr) ?? []
      const connection =
        only(there.filter((one) => areLinked(session, one))) ??
        only(there.filter((one) => mayBeOf(session, one) && !isLinkedToAnother(session, one, sessions)))
      return connection === undefined ? [] : [[session.id, connection.id] as const]
    })
  )
}
