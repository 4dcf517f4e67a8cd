/** Stream keys as people read them; only ever their first characters. Pure. */
import type { DateTime } from "effect"
import type { StreamKey } from "../http/api/StreamKeysApi.ts"
import { fields, moment, orNothing, relative, table } from "./format.ts"

type Shown = typeof StreamKey.Type

export const keyDetails = (key: Shown, now: DateTime.Utc): string =>
  fields([
    ["id", key.id],
    ["key", `${key.keyPrefix}…`],
    ["status", key.status],
    ["label", orNothing(key.label)],
    ["path", orNothing(key.path)],
    ["broadcaster", key.broadcasterId],
    ["stream", orNothing(key.activeStreamId)],
    ["created", moment(key.createdAt, now)],
    ["expires", moment(key.expiresAt, now)],
    ["revoked", moment(key.revokedAt, now)],
    ["last used", moment(key.lastUsedAt, now)]
  ])

export const keyTable = (keys: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["KEY", "STATUS", "LABEL", "PATH", "LAST USED", "EXPIRES", "BROADCASTER", "ID"],
    ...keys.map((key) => [
      `${key.keyPrefix}…`,
      key.status as string,
      orNothing(key.label),
      orNothing(key.path),
      relative(key.lastUsedAt, now),
      relative(key.expiresAt, now),
      `${key.broadcasterId.slice(0, 8)}…`,
      key.id as string
    ])
  ])

export const keyName = (key: Shown): string => `Key ${key.keyPrefix}… (${key.id})`
