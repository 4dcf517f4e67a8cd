/** Creates, lists, changes and removes broadcasters. Removing one revokes its keys and takes its streams off the air. */
import { Effect, Option, Schema } from "effect"
import { ExternalId } from "../domain/values/Broadcaster.ts"
import { BroadcasterId } from "../domain/values/Ids.ts"
import { type BroadcasterFields, Broadcasters, type UpsertFields } from "../ports/Broadcasters.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import type { PageRequest } from "../ports/Page.ts"
import { Sessions } from "../ports/Sessions.ts"
import { Streams } from "../ports/Streams.ts"
import { broadcasterFields, pageFields } from "./argumentSchemas.ts"
import { awaitOffAir } from "./awaitOffAir.ts"
import { checkArguments } from "./InvalidArgument.ts"

const { displayName, contact, metadata, externalId } = broadcasterFields
const optional = { contact: Schema.optionalKey(contact), metadata: Schema.optionalKey(metadata) }
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

/** Fails with `ExternalIdTaken` when another broadcaster has `externalId`. */
export const createBroadcaster = Effect.fn("createBroadcaster")(function* (fields: BroadcasterFields) {
  const checked = yield* check.create(fields)
  const broadcasters = yield* Broadcasters
  const generator = yield* KeyGenerator
  return yield* broadcasters.create((yield* generator.uuid) as BroadcasterId, checked)
})

/** For hosts that have accounts of their own: call it at each login. Calls at the same time yield one broadcaster. */
export const upsertBroadcaster = Effect.fn("upsertBroadcaster")(function* (
  externalId: ExternalId,
  fields: UpsertFields
) {
  const { externalId: known, ...checked } = yield* check.upsert({ ...fields, externalId })
  const broadcasters = yield* Broadcasters
  const generator = yield* KeyGenerator
  return yield* broadcasters.upsert((yield* generator.uuid) as BroadcasterId, known, checked)
})

/** Newest first, without deleted ones. */
export const listBroadcasters = Effect.fn("listBroadcasters")(function* (page: PageRequest) {
  const checked = yield* check.list(page)
  const broadcasters = yield* Broadcasters
  return yield* broadcasters.list(checked)
})

/** `None` when there is no such broadcaster, or it is deleted. */
export const describeBroadcaster = Effect.fn("describeBroadcaster")(function* (id: BroadcasterId) {
  const checked = yield* check.describe({ id })
  const broadcasters = yield* Broadcasters
  return yield* broadcasters.find(checked.id)
})

/** `None` when no broadcaster has this external id. */
export const describeBroadcasterByExternalId = Effect.fn("describeBroadcasterByExternalId")(function* (
  externalId: ExternalId
) {
  const checked = yield* check.describeByExternalId({ externalId })
  const broadcasters = yield* Broadcasters
  return yield* broadcasters.findByExternalId(checked.externalId)
})

/** A change of nothing changes nothing, `updatedAt` neither. */
export const changeBroadcaster = Effect.fn("changeBroadcaster")(function* (
  id: BroadcasterId,
  fields: Partial<BroadcasterFields>
) {
  const { id: known, ...checked } = yield* check.change({ ...fields, id })
  const broadcasters = yield* Broadcasters
  return yield* Object.keys(checked).length === 0 ? broadcasters.find(known) : broadcasters.change(known, checked)
})

/** `None` when there is no such broadcaster and none of its streams is left; otherwise whether none is left on the media server. */
export const removeBroadcaster = Effect.fn("removeBroadcaster")(function* (id: BroadcasterId) {
  const { id: known } = yield* check.remove({ id })
  const broadcasters = yield* Broadcasters
  const sessions = yield* Sessions
  const streams = yield* Streams
  const removed = yield* broadcasters.remove(known)
  yield* sessions.requestStopsForInvalidKeys
  const unended = yield* streams.unendedOf({ broadcasterId: known })
  if (!removed && unended.length === 0) return Option.none()
  return Option.some({ offAir: yield* awaitOffAir(unended) })
})
