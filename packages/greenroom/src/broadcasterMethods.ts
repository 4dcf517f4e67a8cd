/** `gr.broadcasters`: the accounts of the host, as far as Greenroom knows them. */
import * as Core from "@greenroom/core"
import { Effect, Option } from "effect"
import { fieldsOf, given, limitOf, unchecked } from "./argumentForms.ts"
import { GreenroomError, invalidArgument } from "./GreenroomError.ts"
import { orNull, type Run } from "./run.ts"
import { type Broadcaster, broadcasterShape } from "./shapes.ts"

/** Which broadcaster: by Greenroom's id, or by yours. */
export type BroadcasterRef = { readonly id: string } | { readonly externalId: string }

export interface BroadcasterFields {
  /** 1 to 255 characters, unique. Call `upsert` with it at each login: you need no table of ids. */
  readonly externalId: string
  readonly displayName: string
  readonly contact?: string | null
  /** A JSON object of yours, at most 16 KiB. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Who may watch the streams of its keys without a policy; `null`: as the option `playback` has it. */
  readonly playback?: Core.PlaybackPolicy | null
}

export interface Broadcasters {
  /** The broadcaster with this external id, as described; a new one when there is none. Two calls at once yield one. */
  readonly upsert: (fields: BroadcasterFields) => Promise<Broadcaster>
  readonly get: (ref: BroadcasterRef) => Promise<Broadcaster | null>
  /** The newest first. */
  readonly list: (filter?: { readonly limit?: number }) => Promise<ReadonlyArray<Broadcaster>>
  /** Revokes its keys and takes its streams off the air. `offAir`: the media server has confirmed it. `null`: there was none. */
  readonly remove: (ref: BroadcasterRef) => Promise<{ readonly offAir: boolean } | null>
}

const find = (ref: BroadcasterRef) => {
  if (typeof ref === "object" && ref !== null && "id" in ref) return Core.describeBroadcaster(unchecked(ref.id))
  if (typeof ref === "object" && ref !== null && "externalId" in ref)
    return Core.describeBroadcasterByExternalId(unchecked(ref.externalId))
  throw invalidArgument("broadcaster", "expected { id } or { externalId }")
}

/** The id of the broadcaster, or `unknown_broadcaster`. */
export const idOfRef = (ref: BroadcasterRef) =>
  Effect.suspend(() => find(ref)).pipe(
    Effect.flatMap((found) =>
      Option.isSome(found)
        ? Effect.succeed(found.value.id)
        : Effect.fail(new GreenroomError("unknown_broadcaster", "There is no such broadcaster"))
    )
  )

export const broadcastersOf = (run: Run): Broadcasters => ({
  upsert: (fields) =>
    run(
      Effect.suspend(() => {
        const { externalId, displayName, contact, metadata, playback } = fieldsOf("broadcaster", fields)
        return Core.upsertBroadcaster(unchecked(externalId), given({ displayName, contact, metadata, playback }))
      }).pipe(Effect.map(broadcasterShape))
    ),
  get: (ref) =>
    run(
      orNull(Effect.suspend(() => find(ref))).pipe(
        Effect.map((found) => (found === null ? null : broadcasterShape(found)))
      )
    ),
  list: (filter = {}) =>
    run(
      Effect.suspend(() => Core.listBroadcasters({ limit: limitOf(filter.limit), after: null })).pipe(
        Effect.map(({ items }) => items.map(broadcasterShape))
      )
    ),
  remove: (ref) =>
    run(
      Effect.suspend(() => find(ref)).pipe(
        Effect.flatMap((found) => (Option.isNone(found) ? Effect.succeedNone : Core.removeBroadcaster(found.value.id))),
        orNull
      )
    )
})
