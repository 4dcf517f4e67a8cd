/** The viewers: who is watching, kick one session, and take a viewer's rights away. */
import { DateTime, Effect, Option, Schema } from "effect"
import { StreamPath } from "../domain/access/StreamPath.ts"
import { ViewerId } from "../domain/playback/PlaybackToken.ts"
import { BroadcasterId, StreamId } from "../domain/values/Ids.ts"
import type { Timestamp } from "../domain/values/Timestamp.ts"
import type { Viewer, ViewerProtocol } from "../domain/viewers/Viewer.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import type { PageRequest } from "../ports/Page.ts"
import { PlaybackTokens } from "../ports/PlaybackTokens.ts"
import { type ViewerFilter, Viewers } from "../ports/Viewers.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { Instant, textPageFields } from "./argumentSchemas.ts"
import { audited, recordEntry } from "./audited.ts"
import { CurrentCaller } from "./CurrentCaller.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { visibleToCaller, withinCallersLimit } from "./visibleToCaller.ts"

/** A viewer can be kept out for so long. */
export const REVOKED_UNTIL_MAX_DAYS = 366

/** Of MediaMTX: a UUID, or what else it may name a session by. */
export const ViewerSessionId = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7e]{1,255}$/u, { message: "Expected the id of a viewer's session" })
)

const filterFields = {
  path: Schema.optionalKey(StreamPath),
  streamId: Schema.optionalKey(StreamId),
  viewerId: Schema.optionalKey(ViewerId),
  broadcasterId: Schema.optionalKey(BroadcasterId)
}
const check = {
  list: checkArguments("listViewers", { ...filterFields, ...textPageFields }),
  count: checkArguments("countViewers", filterFields),
  kick: checkArguments("kickViewer", { id: ViewerSessionId }),
  revoke: checkArguments("revokeViewer", { viewerId: ViewerId, until: Schema.NullOr(Instant) })
}

const visible = visibleToCaller<Viewer>(({ broadcasterId }) => broadcasterId)

/** A viewer with what it has read so far, in bytes; `null`: the media server does not show it. */
export interface WatchedViewer extends Viewer {
  readonly outboundBytes: number | null
}

/** More sessions of a protocol than this are read with its list. */
const ASK_EACH_MAX = 10

/** What a protocol's sessions have read. A protocol that does not answer has none: the list is worth more than its bytes. */
const bytesOf = Effect.fnUntraced(function* (protocol: ViewerProtocol, viewers: ReadonlyArray<Viewer>) {
  const mediaServer = yield* MediaServer
  const read =
    viewers.length > ASK_EACH_MAX
      ? mediaServer.viewersOf(protocol)
      : Effect.map(
          Effect.forEach(viewers, ({ id }) => mediaServer.findViewer({ protocol, id }), { concurrency: ASK_EACH_MAX }),
          (found) => found.filter((one) => one !== "gone")
        )
  const found = yield* Effect.option(read)
  return Option.getOrElse(found, () => [])
})

/** Newest first. */
export const listViewers = Effect.fn("listViewers")(function* (filter: ViewerFilter, page: PageRequest) {
  const { limit, after, ...checked } = yield* check.list({ ...filter, ...page })
  const found = yield* (yield* Viewers).list(yield* withinCallersLimit(checked), { limit, after })
  const protocols = [...new Set(found.items.map(({ protocol }) => protocol))]
  const described = yield* Effect.forEach(
    protocols,
    (protocol) =>
      bytesOf(
        protocol,
        found.items.filter((viewer) => viewer.protocol === protocol)
      ),
    { concurrency: "unbounded" }
  )
  const bytes = new Map(described.flat().map(({ id, outboundBytes }) => [id, outboundBytes]))
  const items = found.items.map((viewer): WatchedViewer => ({ ...viewer, outboundBytes: bytes.get(viewer.id) ?? null }))
  return { ...found, items }
})

/** How many the whole list has. */
export const countViewers = Effect.fn("countViewers")(function* (filter: ViewerFilter) {
  const checked = yield* check.count({ ...filter })
  return yield* (yield* Viewers).count(yield* withinCallersLimit(checked))
})

const KICKED_KEPT = 1_000

/** Ends one session. Its player may come back, unless its token is revoked. Whether there was one; fails when the media server does not answer. */
export const kickViewer = Effect.fn("kickViewer")(function* (given: string) {
  const { id } = yield* check.kick({ id: given })
  const found = yield* visible(yield* (yield* Viewers).find(id))
  if (Option.isNone(found)) return false
  const { protocol, path, broadcasterId, grant } = found.value
  const { kicked } = yield* CurrentViewers
  if (kicked.size < KICKED_KEPT) kicked.set(id, "kicked")
  const answer = yield* Effect.onExit((yield* MediaServer).kickViewer({ protocol, id }), (exit) =>
    Effect.sync(() => {
      if (exit._tag === "Failure" || exit.value === "gone") kicked.delete(id)
    })
  )
  yield* recordEntry("viewer.kick", {
    resourceId: id,
    broadcasterId,
    details: { path, protocol, viewer_id: grant?.viewerId ?? null, answer }
  })
  yield* (yield* Reconciler).wake
  return answer === "kicked"
})

/**
 * Revokes all tokens of the viewer that were issued so far, and those that will be until `until`; its sessions are kicked. A limited caller's holds on its
 * broadcaster's paths alone. `UntilPast`, `UntilTooFar`: `until` has passed, or is more than `REVOKED_UNTIL_MAX_DAYS` ahead.
 */
export const revokeViewer = Effect.fn("revokeViewer")(function* (viewer: ViewerId, given: Timestamp | null) {
  const { viewerId, until } = yield* check.revoke({ viewerId: viewer, until: given })
  const now = yield* DateTime.now
  if (until !== null && DateTime.isLessThanOrEqualTo(until, now)) return { _tag: "UntilPast" } as const
  if (until !== null && DateTime.isGreaterThan(until, DateTime.add(now, { days: REVOKED_UNTIL_MAX_DAYS }))) {
    return { _tag: "UntilTooFar" } as const
  }
  const { only } = yield* CurrentCaller
  const tokens = yield* PlaybackTokens
  const outcome = yield* audited(
    "viewer.revoke",
    tokens.revokeViewer({ viewerId, broadcasterId: only, until }),
    ({ tokens }) => ({
      resourceId: viewerId,
      broadcasterId: only,
      details: { tokens, until: until === null ? null : DateTime.formatIso(until) }
    })
  )
  yield* (yield* PlaybackAccess).add({ viewers: [outcome.revoked] })
  return { _tag: "Revoked", ...outcome } as const
})
