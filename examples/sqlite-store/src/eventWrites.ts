/** Writes events that no trigger can: what they say is in no row. */
import type { LoggedEvent } from "@greenroom/core"
import type { DateTime } from "effect"
import { millisOf } from "./page.ts"
import type { Tables } from "./Sqlite.ts"

/** `data`: as `events.ts` reads it, with times in milliseconds since the epoch. */
export const writeLogged = (
  { run }: Tables,
  {
    type,
    subject,
    broadcasterId = null
  }: { readonly type: LoggedEvent["type"]; readonly subject: string; readonly broadcasterId?: string | null },
  data: object,
  at: DateTime.Utc
): void => {
  run(
    "insert into events (type, at, subject, broadcaster_id, data) values (?, ?, ?, ?, ?)",
    ...[type, millisOf(at), subject, broadcasterId, JSON.stringify(data)]
  )
}
