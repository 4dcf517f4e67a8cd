/** `gr.playbackTokens`: who may watch what, until when. A token's text is there once, in the answer of `create`. */
import * as Core from "@greenroom/core"
import { Effect, Option, Redacted } from "effect"
import { fieldsOf, given, limitOf, timeOf, unchecked } from "./argumentForms.ts"
import { type BroadcasterRef, idOfRef } from "./broadcasterMethods.ts"
import { GreenroomError, invalidArgument } from "./GreenroomError.ts"
import { orNull, type Run } from "./run.ts"
import { type PlaybackToken, playbackTokenShape } from "./viewerShapes.ts"

/** Exactly one of `path`, `stream`, `broadcaster` and `pattern` is given. */
export interface NewPlaybackToken {
  /** One path, with any publisher. */
  readonly path?: string
  /** The id of one stream. */
  readonly stream?: string
  /** All paths and streams of a broadcaster. */
  readonly broadcaster?: BroadcasterRef
  /** `live/*` (one more segment), `live/**` (any depth), or `**`, which is every path. */
  readonly pattern?: string
  /** Your own id for the viewer, up to 64 of the characters A-Z a-z 0-9 . _ ~ @ + = : - */
  readonly viewerId?: string | null
  /** 60 to 2,592,000 (30 days); 3,600 unless given. */
  readonly expiresInSeconds?: number
  readonly notBefore?: Date | string | null
  /** Sessions at a time. One more, and the oldest is ended. */
  readonly maxSessions?: number | null
  /** Addresses and networks (`192.0.2.0/24`) from which it may be used, up to 10. */
  readonly ips?: ReadonlyArray<string>
  /** `read`: watch live (the default). `playback`: watch recordings. */
  readonly actions?: ReadonlyArray<Core.PlaybackAction>
  /** A JSON object of yours, at most 16 KiB: stored, and not in the token. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

export interface CreatedPlaybackToken {
  readonly playbackToken: PlaybackToken
  /** Shown this once: it is stored nowhere. */
  readonly token: string
  /** Where it plays, each with the token in it. All `null` of a token for several paths. */
  readonly urls: Core.TokenUrls
}

export interface PlaybackTokenFilter {
  readonly viewerId?: string
  readonly broadcaster?: BroadcasterRef
  /** At most 1,000; 100 unless given. */
  readonly limit?: number
}

export interface PlaybackTokens {
  /** Rejects with `not_found` or `unknown_broadcaster` for an unknown target, `token_too_long`, and `no_encryption_key` without the option `encryptionKey`. */
  readonly create: (token: NewPlaybackToken) => Promise<CreatedPlaybackToken>
  readonly get: (id: string) => Promise<PlaybackToken | null>
  /** The newest first; those of applications from their first use on. */
  readonly list: (filter?: PlaybackTokenFilter) => Promise<ReadonlyArray<PlaybackToken>>
  /** For good: the sessions that it has let in are ended. `null`: there is no such token. */
  readonly revoke: (id: string) => Promise<PlaybackToken | null>
}

const ONE_TARGET = "expected exactly one of path, stream, broadcaster, pattern"

const coverageOf = Effect.fnUntraced(function* ({ path, stream, broadcaster, pattern }: NewPlaybackToken) {
  const targets: ReadonlyArray<Core.Coverage> = [
    ...(path === undefined ? [] : [{ _tag: "Path", path } as const]),
    ...(stream === undefined ? [] : [{ _tag: "Stream", streamId: unchecked<Core.StreamId>(stream) } as const]),
    ...(broadcaster === undefined
      ? []
      : [{ _tag: "Broadcaster", broadcasterId: yield* idOfRef(broadcaster) } as const]),
    ...(pattern === undefined ? [] : [{ _tag: "Pattern", pattern } as const])
  ]
  const [target] = targets
  if (target === undefined || targets.length > 1) return yield* Effect.fail(invalidArgument("token", ONE_TARGET))
  return target
})

const unknownTarget = ({ _tag }: Core.Coverage): GreenroomError => {
  if (_tag === "Broadcaster") return new GreenroomError("unknown_broadcaster", "There is no such broadcaster")
  return _tag === "Stream"
    ? new GreenroomError("not_found", "There is no such stream", { argument: "stream" })
    : new GreenroomError("not_found", "The path is not of the broadcaster that the actor is limited to", {
        argument: _tag === "Path" ? "path" : "pattern"
      })
}

const tooLong = ({ what, excess, parts }: Core.TokenTooLong): GreenroomError =>
  new GreenroomError(
    "token_too_long",
    `The ${what === "token" ? "token" : "token's SRT stream id"} would be ${excess} characters too long: shorten ${parts.map(({ field }) => field).join(", ")}`
  )

export const noEncryptionKey = () =>
  new GreenroomError("no_encryption_key", "The key that signs is kept encrypted: give the option encryptionKey")

const targetNames: Readonly<Record<string, keyof NewPlaybackToken>> = {
  path: "path",
  streamId: "stream",
  broadcasterId: "broadcaster",
  pattern: "pattern"
}

/** By the name that the host has given it. */
const targetFault = (error: Core.InvalidArgument): Core.InvalidArgument | GreenroomError => {
  const [fault] = error.faults
  const name = fault?.path[0] === "coverage" ? targetNames[String(fault.path[1])] : undefined
  return fault === undefined || name === undefined ? error : invalidArgument(name, fault.expected)
}

const create = Effect.fnUntraced(function* (fields: NewPlaybackToken) {
  const coverage = yield* coverageOf(fields)
  const creating = Core.createPlaybackToken({
    coverage,
    viewerId: unchecked(fields.viewerId ?? null),
    expiresInSeconds: fields.expiresInSeconds ?? Core.EXPIRES_IN.default,
    notBefore: timeOf("notBefore", fields.notBefore) ?? null,
    maxSessions: fields.maxSessions ?? null,
    ips: fields.ips ?? [],
    actions: unchecked(fields.actions ?? ["read"]),
    metadata: unchecked(fields.metadata ?? {})
  })
  const outcome = yield* Effect.catchTag(creating, "InvalidArgument", (error) => Effect.fail(targetFault(error)))
  switch (outcome._tag) {
    case "Created":
      return {
        playbackToken: playbackTokenShape(outcome.stored),
        token: Redacted.value(outcome.token),
        urls: outcome.urls
      }
    case "UnknownTarget":
      return yield* Effect.fail(unknownTarget(coverage))
    case "NotBeforeTooLate":
      return yield* Effect.fail(invalidArgument("notBefore", "expected a time before the token expires"))
    case "TooLong":
      return yield* Effect.fail(tooLong(outcome))
    case "NoKey":
      return yield* Effect.fail(noEncryptionKey())
  }
})

const list = Effect.fnUntraced(function* ({ viewerId, broadcaster, limit }: PlaybackTokenFilter) {
  const broadcasterId = broadcaster === undefined ? undefined : yield* idOfRef(broadcaster)
  const filter = given({ viewerId: unchecked<Core.ViewerId | undefined>(viewerId), broadcasterId })
  const { items } = yield* Core.listPlaybackTokens(filter, { limit: limitOf(limit), after: null })
  return items.map(playbackTokenShape)
})

const shown = <E, R>(program: Effect.Effect<Option.Option<Core.PlaybackToken>, E, R>) =>
  orNull(Effect.map(program, Option.map(playbackTokenShape)))

export const playbackTokensOf = (run: Run): PlaybackTokens => ({
  create: (token) => run(Effect.suspend(() => create(fieldsOf("token", token)))),
  get: (id) => run(shown(Effect.suspend(() => Core.describePlaybackToken(unchecked(id))))),
  list: (filter = {}) => run(Effect.suspend(() => list(fieldsOf("filter", filter)))),
  revoke: (id) => run(shown(Effect.suspend(() => Core.revokePlaybackToken(unchecked(id)))))
})
