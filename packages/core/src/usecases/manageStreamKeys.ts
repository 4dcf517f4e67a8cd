/**
 * The stream keys of broadcasters: issue, list, describe, change, revoke. A key's value leaves `issueKey` once, `Redacted`. Suspending and revoking
 * take the key's stream off the air; from the moment the store has the change no instance admits the key.
 */
import { DateTime, Effect, Option, Redacted, Schema } from "effect"
import { KEY_PREFIX_LENGTH, keyStatuses, Label, type StreamKey } from "../domain/access/StreamKey.ts"
import { ingestPath, NewPathLimit, type PathLimitText, parseLimit } from "../domain/access/StreamPath.ts"
import { keyImage } from "../domain/audit/images.ts"
import type { PlaybackPolicy } from "../domain/playback/PlaybackPolicy.ts"
import { type IngestInstructions, ingestInstructions } from "../domain/streams/PlaybackUrls.ts"
import { BroadcasterId, StreamKeyId } from "../domain/values/Ids.ts"
import type { Timestamp } from "../domain/values/Timestamp.ts"
import { isForOutputsOnly } from "../domain/workers/PipelinePath.ts"
import { Broadcasters } from "../ports/Broadcasters.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { WorkersOn } from "../ports/MediaWorker.ts"
import type { PageRequest } from "../ports/Page.ts"
import { Sessions } from "../ports/Sessions.ts"
import { type ChangeOutcome, type KeyAt, type KeyChanges, type KeyFilter, StreamKeys } from "../ports/StreamKeys.ts"
import { Streams } from "../ports/Streams.ts"
import { Instant, maybePlayback, pageFields } from "./argumentSchemas.ts"
import { type AuditedChange, audited } from "./audited.ts"
import { awaitOffAir } from "./awaitOffAir.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { Endpoints } from "./manageStreams.ts"
import { isCallersBroadcaster, visibleToCaller, withinCallersLimit } from "./visibleToCaller.ts"

const maybeExpiresAt = Schema.optionalKey(Schema.NullOr(Instant))
const ofKey = { id: StreamKeyId }
const filterFields = {
  broadcasterId: Schema.optionalKey(BroadcasterId),
  status: Schema.optionalKey(Schema.Array(Schema.Literals(keyStatuses))),
  ofDeleted: Schema.optionalKey(Schema.Boolean)
}
const check = {
  issue: checkArguments("issueKey", {
    broadcasterId: BroadcasterId,
    label: Schema.NullOr(Label),
    path: Schema.optionalKey(Schema.NullOr(NewPathLimit)),
    playback: maybePlayback,
    expiresAt: Schema.NullOr(Instant)
  }),
  validate: checkArguments("validateKeyRequest", {
    broadcasterId: Schema.optionalKey(BroadcasterId),
    expiresAt: maybeExpiresAt
  }),
  list: checkArguments("listKeys", { ...filterFields, ...pageFields }),
  count: checkArguments("countKeys", filterFields),
  describe: checkArguments("describeKey", ofKey),
  describeIngest: checkArguments("describeIngest", ofKey),
  change: checkArguments("changeKey", {
    ...ofKey,
    label: Schema.optionalKey(Schema.NullOr(Label)),
    expiresAt: maybeExpiresAt,
    enabled: Schema.optionalKey(Schema.Boolean),
    playback: maybePlayback,
    block: Schema.optionalKey(Schema.Null)
  }),
  revoke: checkArguments("revoke", ofKey)
}

const visible = visibleToCaller<KeyAt>(({ key }) => key.broadcasterId)

const change = (before: StreamKey | null, after: StreamKey): AuditedChange => ({
  resourceId: after.id,
  broadcasterId: after.broadcasterId,
  before: before === null ? null : keyImage(before),
  after: keyImage(after)
})

export interface NewKeyRequest {
  readonly broadcasterId: BroadcasterId
  readonly label: string | null
  /** `null`: no limit. Absent: the key's own ingest path, `live/` and 8 characters of its id. */
  readonly path?: NewPathLimit | null
  /** Who may watch its streams. Absent or `null`: as its broadcaster has it. */
  readonly playback?: PlaybackPolicy | null
  readonly expiresAt: Timestamp | null
}

/** How many ids are tried: one in four billion has an ingest path that is another key's. */
const IDS_TRIED = 5

/** Without a `path` the key is limited to its own ingest path, so that it cannot publish where another key's encoder is expected. */
export const issueKey = Effect.fn("issueKey")(function* (requested: NewKeyRequest) {
  const { path, playback = null, ...request } = yield* check.issue(requested)
  const limit = path === undefined || path === null ? null : parseLimit(path)
  if ((yield* WorkersOn) && isForOutputsOnly(limit)) return { _tag: "PathReserved" } as const
  if (!(yield* isCallersBroadcaster(request.broadcasterId))) return { _tag: "UnknownBroadcaster" } as const
  const generator = yield* KeyGenerator
  const keys = yield* StreamKeys
  const value = yield* generator.generate
  for (let tried = 1; ; tried++) {
    const id = (yield* generator.uuid) as StreamKeyId
    const own = ingestPath(limit, id)
    const issuing = keys.issue({
      ...request,
      playback,
      path: path === undefined ? (own as PathLimitText) : path,
      id,
      hash: generator.hash(value),
      keyPrefix: Redacted.value(value).slice(0, KEY_PREFIX_LENGTH)
    })
    const outcome = yield* audited("stream_key.create", issuing, (outcome) =>
      outcome._tag === "Issued" ? change(null, outcome.key) : null
    )
    if (outcome._tag === "Issued") return { ...outcome, value, ingestPath: own } as const
    // A path that the caller did not choose is not the caller's conflict.
    if (outcome._tag !== "PathTaken" || limit?._tag === "Exact") return outcome
    if (tried === IDS_TRIED) return yield* Effect.die(new Error(`The ingest paths of ${tried} new ids were taken`))
  }
})

export type KeyRequestFault = "UnknownBroadcaster" | "ExpiryInPast"

/** As much of a request as could be decoded. */
export interface ReadableKeyRequest {
  readonly broadcasterId?: BroadcasterId | undefined
  readonly expiresAt?: Timestamp | null | undefined
}

/**
 * What only the store can find wrong with a request for a key. The store names the first fault that it meets; the caller needs all of them at once,
 * together with those of the rest of the request. Whether a time is past depends on the store's clock.
 */
export const validateKeyRequest = Effect.fn("orderFaults")(function* (request: ReadableKeyRequest) {
  const { broadcasterId, expiresAt } = yield* check.validate(request)
  const broadcasters = yield* Broadcasters
  const faults: Array<KeyRequestFault> = []
  if (broadcasterId !== undefined) {
    const isKnown =
      (yield* isCallersBroadcaster(broadcasterId)) && Option.isSome(yield* broadcasters.find(broadcasterId))
    if (!isKnown) faults.push("UnknownBroadcaster")
  }
  if (expiresAt !== undefined && expiresAt !== null) {
    const { now } = yield* broadcasters.list({ limit: 1, after: null })
    if (DateTime.isLessThanOrEqualTo(expiresAt, now)) faults.push("ExpiryInPast")
  }
  return faults
})

/** Newest first, without their values; without the keys of deleted broadcasters, unless they are asked for. */
export const listKeys = Effect.fn("listKeys")(function* (filter: KeyFilter, page: PageRequest) {
  const { limit, after, ...checked } = yield* check.list({ ...filter, ...page })
  const keys = yield* StreamKeys
  return yield* keys.list(yield* withinCallersLimit({ ofDeleted: false, ...checked }), { limit, after })
})

/** How many keys the whole list has. */
export const countKeys = Effect.fn("countKeys")(function* (filter: KeyFilter) {
  const checked = yield* check.count({ ...filter })
  const keys = yield* StreamKeys
  return yield* keys.count(yield* withinCallersLimit({ ofDeleted: false, ...checked }))
})

/** Without its value; `None` when there is no such key. */
export const describeKey = Effect.fn("describeKey")(function* (id: StreamKeyId) {
  const checked = yield* check.describe({ id })
  const keys = yield* StreamKeys
  return yield* visible(yield* keys.find(checked.id))
})

/** As long as a key: what a key would make too long is left out with it, too. */
const KEY_STAND_IN = `sk_${"x".repeat(43)}`

/** What to type into an encoder for this key, with `{key}` in place of the value, which is not kept; `None` when there is no such key. */
export const describeIngest = Effect.fn("describeIngest")(function* (id: StreamKeyId) {
  const checked = yield* check.describeIngest({ id })
  const found = yield* describeKey(checked.id)
  const enabled = yield* Effect.flatMap(MediaServer, (mediaServer) => mediaServer.enabled)
  const endpoints = yield* Endpoints
  return Option.map(found, ({ key }): IngestInstructions => {
    const path = ingestPath(key.path === null ? null : parseLimit(key.path), checked.id)
    const instructions = ingestInstructions(endpoints, enabled, path, KEY_STAND_IN)
    return JSON.parse(JSON.stringify(instructions).replaceAll(KEY_STAND_IN, "{key}"))
  })
})

/** Changes label, expiry or who may watch, suspends the key or lets it publish again, and lifts its block. */
export const changeKey = Effect.fn("changeKey")(function* (keyId: StreamKeyId, given: KeyChanges) {
  const { id, ...changes } = yield* check.change({ ...given, id: keyId })
  const outcome = yield* Effect.uninterruptible(changeAndStop(id, changes))
  if (outcome._tag !== "Changed" || changes.enabled !== false) return outcome
  const keys = yield* StreamKeys
  const streams = yield* Streams
  yield* awaitOffAir(yield* streams.unendedOf({ streamKeyId: id }))
  const now = yield* keys.find(id)
  return Option.match(now, {
    onNone: () => outcome,
    onSome: (at): ChangeOutcome => ({ _tag: "Changed", ...at })
  })
})

/**
 * The key's stream is marked for its end before this answers: a key that is enabled again at once must not lose the stop. A caller that leaves
 * in between must not leave the key suspended and its stream unmarked.
 */
const changeAndStop = Effect.fnUntraced(function* (id: StreamKeyId, changes: KeyChanges) {
  const keys = yield* StreamKeys
  const sessions = yield* Sessions
  const changing = Effect.gen(function* () {
    const before = Option.getOrNull(yield* visible(yield* keys.find(id)))
    const outcome: ChangeOutcome = before === null ? { _tag: "NotFound" } : yield* keys.change(id, changes)
    return { before, outcome }
  })
  const { outcome } = yield* audited("stream_key.change", changing, ({ before, outcome }) =>
    outcome._tag === "Changed" ? change(before?.key ?? null, outcome.key) : null
  )
  if (outcome._tag === "Changed" && changes.enabled === false) yield* sessions.requestStopsForInvalidKeys
  return outcome
})

/** Ends a key for good. Repeating it changes nothing. `None` when there is no such key; otherwise the key as it is now, and whether no stream of it is left on the media server. */
export const revoke = Effect.fn("revoke")(function* (keyId: StreamKeyId) {
  const { id } = yield* check.revoke({ id: keyId })
  const keys = yield* StreamKeys
  const sessions = yield* Sessions
  const streams = yield* Streams
  const revoking = Effect.gen(function* () {
    const before = yield* visible(yield* keys.find(id))
    return { before, after: Option.isNone(before) ? Option.none<KeyAt>() : yield* keys.revoke(id) }
  })
  const { after: revoked } = yield* audited("stream_key.revoke", revoking, ({ before, after }) =>
    Option.isNone(after) ? null : change(Option.getOrNull(before)?.key ?? null, after.value.key)
  )
  if (Option.isNone(revoked)) return Option.none()
  yield* sessions.requestStopsForInvalidKeys
  const offAir = yield* awaitOffAir(yield* streams.unendedOf({ streamKeyId: id }))
  const at = Option.getOrElse(yield* keys.find(id), () => revoked.value)
  return Option.some({ ...at, offAir })
})
