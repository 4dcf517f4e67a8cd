/** A stream as one asks for it alone. */
import type { DateTime } from "effect"
import type { Broadcaster } from "../values/Broadcaster.ts"
import type { LiveStream } from "./LiveStream.ts"

/** A stream with all of its broadcaster, deleted or not, as they were at `now` by the database's clock. */
export interface StreamDetails {
  readonly stream: LiveStream
  readonly broadcaster: Broadcaster
  readonly now: DateTime.Utc
}
