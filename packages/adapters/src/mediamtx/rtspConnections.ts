/**
 * Up to 1.19.2 an RTSP publisher has the id of its TCP connection in `/auth`, and that of its session in the lists, on its path and
 * for a kick. Outside of the adapter a source has the id of `/auth`, so sessions and connections are matched here.
 *
 * Both carry the address of the client's end: the session that of the connection which announced, whose id `/auth` was given. So
 * it is in every version from 1.9 on, and from before the auth is asked. MediaMTX's own links, `session` of a connection (from 1.11,
 * empty until the auth is answered) and `conns` of a session (from 1.16.2), decide only between connections with one address,
 * which a client may have to two addresses of the server. A connection that is linked to one session is not matched with another.
 */
import type { RtspConnectionItem, RtspSessionItem } from "./ControlApiSchema.ts"

/** A session over UDP may outlive its connection, and another client get its port: that one's connection is younger. */
const mayBeOf = (session: RtspSessionItem, connection: RtspConnectionItem): boolean =>
  session.remoteAddr === connection.remoteAddr && Date.parse(connection.created) <= Date.parse(session.created)

const areLinked = (session: RtspSessionItem, connection: RtspConnectionItem): boolean =>
  connection.session === session.id || session.conns?.includes(connection.id) === true

/** MediaMTX links the connection to a session, and not to this one. */
const isOfAnother = (
  session: RtspSessionItem,
  connection: RtspConnectionItem,
  sessions: ReadonlyArray<RtspSessionItem>
): boolean =>
  (typeof connection.session === "string" && connection.session !== "" && connection.session !== session.id) ||
  sessions.some(({ id, conns }) => id !== session.id && conns?.includes(connection.id) === true)

const only = <A>(items: ReadonlyArray<A>): A | undefined => (items.length === 1 ? items[0] : undefined)

/** The connection of each session, by the session's id. One whose connection is closed has none. */
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
        only(there.filter((one) => mayBeOf(session, one) && !isOfAnother(session, one, sessions)))
      return connection === undefined ? [] : [[session.id, connection.id] as const]
    })
  )
}
