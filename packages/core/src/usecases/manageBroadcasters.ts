/** Creates, lists, changes and removes broadcasters. Removing one revokes its keys and takes its streams off the air. */
import { Effect, Option } from "effect"
import type { ExternalId } from "../domain/values/Broadcaster.ts"
import type { BroadcasterId } from "../domain/values/Ids.ts"
import { type BroadcasterFields, Broadcasters, type UpsertFields } from "../ports/Broadcasters.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import type { PageRequest } from "../ports/Page.ts"
import { Sessions } from "../ports/Sessions.ts"
import { Streams } from "../ports/Streams.ts"
import { awaitOffAir } from "./awaitOffAir.ts"

/** Fails with `ExternalIdTaken` when another broadcaster has `externalId`. */
export const createBroadcaster = Effect.fn("createBroadcaster")(function* (fields: BroadcasterFields) {
  const broadcasters = yield* Broadcasters
  const generator = yield* KeyGenerator
  return yield* broadcasters.create((yield* generator.uuid) as BroadcasterId, fields)
})

/** For hosts that have accounts of their own: call it at each login. Calls at the same time yield one broadcaster. */
export const upsertBroadcaster = Effect.fn("upsertBroadcaster")(function* (
  externalId: ExternalId,
  fields: UpsertFields
) {
  const broadcasters = yield* Broadcasters
  const generator = yield* KeyGenerator
  return yield* broadcasters.upsert((yield* generator.uuid) as BroadcasterId, externalId, fields)
})

export const listBroadcasters = Effect.fn("listBroadcasters")(function* (page: PageRequest) {
  const broadcasters = yield* Broadcasters
  return yield* broadcasters.list(page)
})

export const describeBroadcaster = Effect.fn("describeBroadcaster")(function* (id: BroadcasterId) {
  const broadcasters = yield* Broadcasters
  return yield* broadcasters.find(id)
})

/** `None` when no broadcaster has this external id. */
export const describeBroadcasterByExternalId = Effect.fn("describeBroadcasterByExternalId")(function* (
  externalId: ExternalId
) {
  const broadcasters = yield* Broadcasters
  return yield* broadcasters.findByExternalId(externalId)
})

/** A change of nothing changes nothing, `updatedAt` neither. */
export const changeBroadcaster = Effect.fn("changeBroadcaster")(function* (
  id: BroadcasterId,
  fields: Partial<BroadcasterFields>
) {
  const broadcasters = yield* Broadcasters
  const nothing = Object.values(fields).every((value) => value === undefined)
  return yield* nothing ? broadcasters.find(id) : broadcasters.change(id, fields)
})

/** `None` when there is no such broadcaster and none of its streams is left; otherwise whether none is left on the media server. */
export const removeBroadcaster = Effect.fn("removeBroadcaster")(function* (id: BroadcasterId) {
  const broadcasters = yield* Broadcasters
  const sessions = yield* Sessions
  const streams = yield* Streams
  const removed = yield* broadcasters.remove(id)
  yield* sessions.requestStopsForInvalidKeys
  const unended = yield* streams.unendedOf({ broadcasterId: id })
  if (!removed && unended.length === 0) return Option.none()
  return Option.some({ offAir: yield* awaitOffAir(unended) })
})
