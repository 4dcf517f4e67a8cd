/** A client of an event stream: what it wants, where it is in the log, and what its events are written into. */
import type {
  ApiTokenId,
  Endpoints,
  EventCursor,
  EventFeed,
  EventFilter,
  MediaServer,
  Repositories
} from "@greenroom/core"
import type { BoundedOutput } from "./BoundedOutput.ts"

export interface EventReader {
  readonly filter: EventFilter
  readonly output: BoundedOutput
  /** The token that opened it; `null`: another credential, which does not end. */
  readonly token: ApiTokenId | null
  /** When the page's session ends, in seconds since 1970; `null`: no session opened it. */
  readonly ends: number | null
  /** All matching events up to here are in the output; `null` until it is known where it begins. */
  cursor: EventCursor | null
}

/** What reading events and writing them as JSON needs. */
export type ReadingEvents = Endpoints | EventFeed | MediaServer | Repositories
