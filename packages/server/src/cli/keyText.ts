/** Stream keys as people read them; only ever their first characters. Pure. */
import type { DateTime } from "effect"
import type { StreamKey } from "../http/api/Wire.ts"
import { fields, moment, orNothing, relative, table } from "./format.ts"

type Shown = typeof StreamKey.Type

export const keyDetails = (key: Shown, now: DateTime.Utc): string =>
  fields([
    ["id", key.id],
    ["key", `${key.key_prefix}…`],
    ["status", key.status],
    ["label", orNothing(key.label)],
    ["path", orNothing(key.path)],
    ["broadcaster", key.broadcaster_id],
    ["stream", orNothing(key.active_stream_id)],
    ["created", moment(key.created_at, now)],
    ["expires", moment(key.expires_at, now)],
    ["revoked", moment(key.revoked_at, now)],
    ["last used", moment(key.last_used_at, now)]
  ])

export const keyTable = (keys: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["KEY", "STATUS", "LABEL", "PATH", "LAST USED", "EXPIRES", "BROADCASTER", "ID"],
    ...keys.map((key) => [
      `${key.key_prefix}…`,
      key.status as string,
      orNothing(key.label),
      orNothing(key.path),
      relative(key.last_used_at, now),
      relative(key.expires_at, now),
      `${key.broadcaster_id.slice(0, 8)}…`,
      key.id as string
    ])
  ])

export const keyName = (key: Shown): string => `Key ${key.key_prefix}… (${key.id})`
