/**
 * What is written into an event stream, by the specification of server-sent events (WHATWG HTML, section 9.2). Every block has the cursor of a
 * place in the log as its id, so that a client goes on from there when it connects again. A block without `data` is no event, but its id counts.
 */
import { type EventCursor, type LoggedEvent, type LostCursor, writeCursor } from "@greenroom/core"

export const eventFrame = ({ type, position }: LoggedEvent, log: string, json: string): Buffer =>
  Buffer.from(`id: ${writeCursor({ log, position })}\nevent: ${type}\ndata: ${json}\n\n`)

/** For the time before a cursor is known. */
export const bareComment: Buffer = Buffer.from(":\n\n")

/** Keeps the connection open, and moves the client's cursor past events that it did not ask for. */
export const keepAlive = (cursor: EventCursor): Buffer => Buffer.from(`:\nid: ${writeCursor(cursor)}\n\n`)

export interface Reset {
  readonly reason: LostCursor
  /** Before the oldest event that is left. */
  readonly oldest: EventCursor
  /** Where the stream goes on. */
  readonly cursor: EventCursor
}

export const resetFrame = ({ reason, oldest, cursor }: Reset): Buffer => {
  const data = JSON.stringify({ reason, oldest: writeCursor(oldest), cursor: writeCursor(cursor) })
  return Buffer.from(`id: ${writeCursor(cursor)}\nevent: reset\ndata: ${data}\n\n`)
}
