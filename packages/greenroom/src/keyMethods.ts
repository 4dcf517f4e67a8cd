/** `gr.keys`: stream keys. A value is there once, in the answer of `create`. */
import * as Core from "@greenroom/core"
import { Effect, Option, Redacted } from "effect"
import { fieldsOf, given, limitOf, timeOf, unchecked } from "./argumentForms.ts"
import { type BroadcasterRef, idOfRef } from "./broadcasterMethods.ts"
import { GreenroomError } from "./GreenroomError.ts"
import { orNull, type Run } from "./run.ts"
import { keyShapeAt, type StreamKeyWithStatus } from "./shapes.ts"

export interface NewKey {
  readonly broadcaster: BroadcasterRef
  readonly label?: string | null
  /** A path, or a prefix with `/**`; `null`: any path. Left out: a path of the key's own, `live/` and 8 characters. */
  readonly path?: string | null
  readonly expiresAt?: Date | string | null
  /** Who may watch: `public`, or who has a playback token (`token`); `null`, the default: as its broadcaster has it, else the option `playback`. */
  readonly playback?: Core.PlaybackPolicy | null
}

export interface CreatedKey {
  readonly key: StreamKeyWithStatus
  /** Shown this once: only its hash is kept. */
  readonly value: string
  /** What to type into an encoder; what the media server does not serve is `null`. */
  readonly ingest: Core.IngestInstructions & { readonly path: string }
}

export interface KeyFilter {
  readonly broadcaster?: BroadcasterRef
  readonly status?: ReadonlyArray<Core.KeyStatus>
  /** At most 1,000; 100 unless given. */
  readonly limit?: number
}

export interface KeyChanges {
  readonly label?: string | null
  readonly expiresAt?: Date | string | null
  /** `false` suspends the key and takes its stream off the air. */
  readonly enabled?: boolean
  /** Turned to `token`, viewers without one are ended. */
  readonly playback?: Core.PlaybackPolicy | null
  /** Lifts the block. */
  readonly block?: null
}

export interface Keys {
  readonly create: (key: NewKey) => Promise<CreatedKey>
  readonly get: (id: string) => Promise<StreamKeyWithStatus | null>
  /** The newest first. */
  readonly list: (filter?: KeyFilter) => Promise<ReadonlyArray<StreamKeyWithStatus>>
  readonly change: (id: string, changes: KeyChanges) => Promise<StreamKeyWithStatus>
  /** A new key for the same grant and ingest path. The old one keeps publishing for `overlapSeconds` (0 unless given, at most a week). */
  readonly rotate: (id: string, options?: { readonly overlapSeconds?: number }) => Promise<CreatedKey>
  /** For good. `offAir`: the media server has confirmed that no stream of it is left. `null`: there is no such key. */
  readonly revoke: (id: string) => Promise<{ readonly offAir: boolean } | null>
}

const pastExpiry = () =>
  new GreenroomError("expiry_in_past", "expiresAt is not in the future", { argument: "expiresAt" })

const failures = {
  UnknownBroadcaster: () => new GreenroomError("unknown_broadcaster", "There is no such broadcaster"),
  ExpiryInPast: pastExpiry,
  PathTaken: () => new GreenroomError("path_taken", "Another broadcaster's key owns this path", { argument: "path" }),
  PathReserved: () => new GreenroomError("path_taken", "The path is for the output of a worker", { argument: "path" }),
  NotFound: () => new GreenroomError("not_found", "There is no such stream key"),
  Revoked: () => new GreenroomError("revoked", "The stream key is revoked, and changes no more"),
  Expired: () => new GreenroomError("expired", "The stream key has expired: create another one"),
  RotatedAlready: () => new GreenroomError("rotated", "The stream key was rotated: rotate the new key"),
  OverlapRuns: () => new GreenroomError("rotated", "The key before it still publishes: revoke that one first")
} as const

type NewValue = Core.KeyAt & { readonly value: Core.KeyValue; readonly ingestPath: string }

const created = Effect.fnUntraced(function* ({ key, now, ingestPath, ...issued }: NewValue) {
  const value = Redacted.value(issued.value)
  const enabled = yield* Effect.flatMap(Core.MediaServer, (mediaServer) => mediaServer.enabled)
  const instructions = Core.ingestInstructions(yield* Core.Endpoints, enabled, ingestPath, value)
  return { key: keyShapeAt(key, now), value, ingest: { path: ingestPath, ...instructions } }
})

const create = Effect.fnUntraced(function* (fields: NewKey) {
  const order = {
    broadcasterId: yield* idOfRef(fields.broadcaster),
    label: fields.label ?? null,
    expiresAt: timeOf("expiresAt", fields.expiresAt) ?? null,
    ...given({ path: unchecked<Core.NewPathLimit | null | undefined>(fields.path), playback: fields.playback })
  }
  const issued = yield* Core.issueKey(order)
  if (issued._tag !== "Issued") return yield* Effect.fail(failures[issued._tag]())
  return yield* created(issued)
})

const rotate = Effect.fnUntraced(function* (id: string, { overlapSeconds = 0 }: { readonly overlapSeconds?: number }) {
  const rotated = yield* Core.rotateKey(unchecked(id), overlapSeconds)
  if (rotated._tag !== "Rotated") return yield* Effect.fail(failures[rotated._tag]())
  return yield* created(rotated)
})

const list = Effect.fnUntraced(function* ({ broadcaster, status, limit }: KeyFilter) {
  const broadcasterId = broadcaster === undefined ? undefined : yield* idOfRef(broadcaster)
  const filter = given({ broadcasterId, status })
  const { items, now } = yield* Core.listKeys(filter, { limit: limitOf(limit), after: null })
  return items.map((key) => keyShapeAt(key, now))
})

const change = Effect.fnUntraced(function* (id: string, changes: KeyChanges) {
  const outcome = yield* Core.changeKey(
    unchecked(id),
    given({
      label: changes.label,
      expiresAt: timeOf("expiresAt", changes.expiresAt),
      enabled: changes.enabled,
      playback: changes.playback,
      block: changes.block
    })
  )
  if (outcome._tag !== "Changed") return yield* Effect.fail(failures[outcome._tag]())
  return keyShapeAt(outcome.key, outcome.now)
})

export const keysOf = (run: Run): Keys => ({
  create: (key) => run(Effect.suspend(() => create(fieldsOf("key", key)))),
  get: (id) =>
    run(
      orNull(Effect.suspend(() => Core.describeKey(unchecked(id)))).pipe(
        Effect.map((found) => (found === null ? null : keyShapeAt(found.key, found.now)))
      )
    ),
  list: (filter = {}) => run(Effect.suspend(() => list(fieldsOf("filter", filter)))),
  change: (id, changes) => run(Effect.suspend(() => change(id, fieldsOf("changes", changes)))),
  rotate: (id, options = {}) => run(Effect.suspend(() => rotate(id, fieldsOf("options", options)))),
  revoke: (id) =>
    run(
      Effect.suspend(() => Core.revoke(unchecked(id))).pipe(
        Effect.map(Option.map(({ offAir }) => ({ offAir }))),
        orNull
      )
    )
})
