/** Creates, lists, changes and removes broadcasters. Removing one revokes its keys and takes its streams off the air. */
import { Effect, Equal, Option, Schema } from "effect"
import { broadcasterImage } from "../domain/audit/images.ts"
import { type Broadcaster, ExternalId } from "../domain/values/Broadcaster.ts"
import { BroadcasterId } from "../domain/values/Ids.ts"
import { type BroadcasterFields, Broadcasters, type UpsertFields } from "../ports/Broadcasters.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import type { Page, PageRequest } from "../ports/Page.ts"
import { Sessions } from "../ports/Sessions.ts"
import { Streams } from "../ports/Streams.ts"
import { broadcasterFields, pageFields } from "./argumentSchemas.ts"
import { type AuditedChange, audited } from "./audited.ts"
import { awaitOffAir } from "./awaitOffAir.ts"
import { CurrentCaller } from "./CurrentCaller.ts"
import { checkArguments, InvalidArgument } from "./InvalidArgument.ts"
import { isCallersBroadcaster, visibleToCaller } from "./visibleToCaller.ts"

const { displayName, contact, metadata, playback, externalId } = broadcasterFields
const optional = { contact: Schema.optionalKey(contact), metadata: Schema.optionalKey(metadata), playback }
const check = {
  create: checkArguments("createBroadcaster", broadcasterFields),
  upsert: checkArguments("upsertBroadcaster", { externalId: ExternalId, displayName, ...optional }),
  list: checkArguments("listBroadcasters", pageFields),
  describe: checkArguments("describeBroadcaster", { id: BroadcasterId }),
  describeByExternalId: checkArguments("describeBroadcasterByExternalId", { externalId: ExternalId }),
  change: checkArguments("changeBroadcaster", {
    id: BroadcasterId,
    externalId,
    displayName: Schema.optionalKey(displayName),
    ...optional
  }),
  remove: checkArguments("removeBroadcaster", { id: BroadcasterId })
}

const visible = visibleToCaller<Broadcaster>(({ id }) => id)

const change = (before: Broadcaster | null, after: Broadcaster | null): AuditedChange => {
  const id = (after ?? before)?.id ?? null
  return {
    resourceId: id,
    broadcasterId: id,
    before: before === null ? null : broadcasterImage(before),
    after: after === null ? null : broadcasterImage(after)
  }
}

/** A limited caller has its broadcaster, and makes no other. */
const mayCreate = Effect.fnUntraced(function* (operation: string) {
  const { only } = yield* CurrentCaller
  if (only === null) return
  const faults = [{ path: [], expected: "Expected a caller that is not limited to a broadcaster" }]
  return yield* new InvalidArgument({ operation, faults })
})

/** Fails with `ExternalIdTaken` when another broadcaster has `externalId`. */
export const createBroadcaster = Effect.fn("createBroadcaster")(function* (fields: BroadcasterFields) {
  const checked = yield* check.create(fields)
  yield* mayCreate("createBroadcaster")
  const broadcasters = yield* Broadcasters
  const generator = yield* KeyGenerator
  const id = (yield* generator.uuid) as BroadcasterId
  return yield* audited("broadcaster.create", broadcasters.create(id, checked), (created) => change(null, created))
})

/** Whether the fields describe the broadcaster as it is. */
const isAs = (broadcaster: Broadcaster, { displayName, contact, metadata, playback }: UpsertFields): boolean =>
  broadcaster.displayName === displayName &&
  (contact === undefined || broadcaster.contact === contact) &&
  (playback === undefined || broadcaster.playback === playback) &&
  (metadata === undefined || Equal.equals(broadcaster.metadata, metadata))

/**
 * For hosts that have accounts of their own: call it at each login, which mostly changes nothing and is one read. Calls at the same time yield one
 * broadcaster.
 */
export const upsertBroadcaster = Effect.fn("upsertBroadcaster")(function* (
  externalId: ExternalId,
  fields: UpsertFields
) {
  const { externalId: known, ...checked } = yield* check.upsert({ ...fields, externalId })
  const broadcasters = yield* Broadcasters
  const generator = yield* KeyGenerator
  const before = Option.getOrNull(yield* visible(yield* broadcasters.findByExternalId(known)))
  if (before === null) yield* mayCreate("upsertBroadcaster")
  if (before !== null && isAs(before, checked)) return before
  const id = (yield* generator.uuid) as BroadcasterId
  return yield* audited("broadcaster.upsert", broadcasters.upsert(id, known, checked), (after) => change(before, after))
})

/** Newest first, without deleted ones. */
export const listBroadcasters = Effect.fn("listBroadcasters")(function* (page: PageRequest) {
  const checked = yield* check.list(page)
  const broadcasters = yield* Broadcasters
  const { only } = yield* CurrentCaller
  if (only === null) return yield* broadcasters.list(checked)
  const { now } = yield* broadcasters.list({ limit: 1, after: null })
  const items = checked.after === null ? Option.toArray(yield* broadcasters.find(only)) : []
  return { items, next: null, now } satisfies Page<Broadcaster>
})

/** How many broadcasters the whole list has. */
export const countBroadcasters = Effect.gen(function* () {
  const broadcasters = yield* Broadcasters
  const { only } = yield* CurrentCaller
  return only === null ? yield* broadcasters.count : Option.isSome(yield* broadcasters.find(only)) ? 1 : 0
}).pipe(Effect.withSpan("countBroadcasters"))

/** `None` when there is no such broadcaster, or it is deleted. */
export const describeBroadcaster = Effect.fn("describeBroadcaster")(function* (id: BroadcasterId) {
  const checked = yield* check.describe({ id })
  const broadcasters = yield* Broadcasters
  return yield* visible(yield* broadcasters.find(checked.id))
})

/** `None` when no broadcaster has this external id. */
export const describeBroadcasterByExternalId = Effect.fn("describeBroadcasterByExternalId")(function* (
  externalId: ExternalId
) {
  const checked = yield* check.describeByExternalId({ externalId })
  const broadcasters = yield* Broadcasters
  return yield* visible(yield* broadcasters.findByExternalId(checked.externalId))
})

/** A change of nothing changes nothing, `updatedAt` neither. */
export const changeBroadcaster = Effect.fn("changeBroadcaster")(function* (
  id: BroadcasterId,
  fields: Partial<BroadcasterFields>
) {
  const { id: known, ...checked } = yield* check.change({ ...fields, id })
  const broadcasters = yield* Broadcasters
  const changing = Effect.gen(function* () {
    const before = yield* visible(yield* broadcasters.find(known))
    if (Option.isNone(before) || Object.keys(checked).length === 0) return { before, after: before }
    return { before, after: yield* broadcasters.change(known, checked) }
  })
  const { after } = yield* audited("broadcaster.change", changing, ({ before, after }) =>
    Option.isNone(after) ? null : change(Option.getOrNull(before), after.value)
  )
  return after
})

/** `None` when there is no such broadcaster and none of its streams is left; otherwise whether none is left on the media server. */
export const removeBroadcaster = Effect.fn("removeBroadcaster")(function* (id: BroadcasterId) {
  const { id: known } = yield* check.remove({ id })
  const broadcasters = yield* Broadcasters
  const sessions = yield* Sessions
  const streams = yield* Streams
  const removing = Effect.gen(function* () {
    const before = yield* visible(yield* broadcasters.find(known))
    return Option.isSome(before) && (yield* broadcasters.remove(known)) ? before : Option.none<Broadcaster>()
  })
  const removed = yield* audited(
    "broadcaster.delete",
    removing,
    Option.match({ onNone: () => null, onSome: (before) => change(before, null) })
  )
  if (Option.isNone(removed) && !(yield* isCallersBroadcaster(known))) return Option.none()
  yield* sessions.requestStopsForInvalidKeys
  const unended = yield* streams.unendedOf({ broadcasterId: known })
  if (Option.isNone(removed) && unended.length === 0) return Option.none()
  return Option.some({ offAir: yield* awaitOffAir(unended) })
})
