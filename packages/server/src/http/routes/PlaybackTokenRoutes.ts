/** The endpoints of playback tokens. The answer that creates one is the one place where a token is written out. */
import {
  type Coverage,
  createPlaybackToken,
  describePlaybackToken,
  EXPIRES_IN,
  listPlaybackTokens,
  revokePlaybackToken,
  SRT_STREAM_ID_MAX_LENGTH,
  TOKEN_MAX_LENGTH,
  type TokenTooLong
} from "@greenroom/core"
import { Effect, Option, Redacted } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import { type NewPlaybackToken, ONE_TARGET, PlaybackToken } from "../api/playbackTokenSchemas.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith, invalid, problem } from "../problems/Problem.ts"
import { foundOr, pageRequest, storeFailureToDefect, withTextCursor } from "./handling.ts"
import { playbackTokenShown } from "./playbackTokenShown.ts"
import { noSigningKey } from "./SigningKeyRoutes.ts"

const notFound = failWith("not-found", "No playback token has this id")
const found = foundOr(notFound)

type Given = typeof NewPlaybackToken.Type

const coveragesOf = ({ path, streamId, broadcasterId, pattern }: Given): ReadonlyArray<Coverage> => [
  ...(path === undefined ? [] : [{ _tag: "Path", path } as const]),
  ...(streamId === undefined ? [] : [{ _tag: "Stream", streamId } as const]),
  ...(broadcasterId === undefined ? [] : [{ _tag: "Broadcaster", broadcasterId } as const]),
  ...(pattern === undefined ? [] : [{ _tag: "Pattern", pattern } as const])
]

const pointers: { readonly [C in Coverage["_tag"]]: string } = {
  Path: "/path",
  Stream: "/stream_id",
  Broadcaster: "/broadcaster_id",
  Pattern: "/pattern"
}
/** A path and a pattern are unknown only to a caller that is limited to a broadcaster. */
const unknownTarget: { readonly [C in Coverage["_tag"]]: string } = {
  Path: "Expected the path of a stream or a key of the broadcaster that the caller is limited to",
  Stream: "Expected the id of a stream that exists",
  Broadcaster: "Expected the id of a broadcaster that exists",
  Pattern: "Expected no pattern: the caller is limited to a broadcaster, and a pattern is for the paths of all"
}

const oneTarget = (given: ReadonlyArray<Coverage>) =>
  invalid(
    given.length === 0
      ? [{ pointer: "", detail: ONE_TARGET }]
      : given.map(({ _tag }) => ({ pointer: pointers[_tag], detail: ONE_TARGET }))
  )

const tooLong = ({ what, excess, parts }: TokenTooLong) => {
  const [subject, most] =
    what === "token" ? ["The token", TOKEN_MAX_LENGTH] : ["The token's SRT stream id", SRT_STREAM_ID_MAX_LENGTH]
  const shorter = parts.map(({ field, length }) => `${field} (${length})`).join(", ")
  const detail = `${subject} would have ${excess} characters more than the ${most} that it may have: shorten ${shorter}`
  const errors = parts.map(({ field, length }) => ({
    pointer: `/${field}`,
    detail: `Expected fewer characters than ${length}: ${excess} fewer in all`
  }))
  return Effect.fail(problem("playback-token-too-long", { detail, errors }))
}

const create = Effect.fnUntraced(function* (given: Given) {
  const coverages = coveragesOf(given)
  const [coverage] = coverages
  if (coverage === undefined || coverages.length > 1) return yield* oneTarget(coverages)
  const outcome = yield* createPlaybackToken({
    coverage,
    viewerId: given.viewerId ?? null,
    expiresInSeconds: given.expiresIn ?? EXPIRES_IN.default,
    notBefore: given.notBefore ?? null,
    maxSessions: given.maxSessions ?? null,
    ips: given.ips ?? [],
    actions: given.actions ?? ["read"],
    metadata: given.metadata ?? {}
  })
  switch (outcome._tag) {
    case "Created": {
      const { stored, token, urls } = outcome
      return HttpApiSchema.withHeaders({
        body: { ...playbackTokenShown(stored), token: Redacted.value(token), urls },
        headers: { location: `/playback-tokens/${stored.id}`, "cache-control": "no-store" }
      })
    }
    case "UnknownTarget":
      return yield* invalid([{ pointer: pointers[coverage._tag], detail: unknownTarget[coverage._tag] }])
    case "NotBeforeTooLate":
      return yield* invalid([{ pointer: "/not_before", detail: "Expected a time before the token expires" }])
    case "TooLong":
      return yield* tooLong(outcome)
    case "NoKey":
      return yield* noSigningKey
  }
})

const answerPage = pageAnswer("playback_tokens", PlaybackToken, playbackTokenShown)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "playback_tokens",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers.handleAll({
      create: ({ payload }) => storeFailureToDefect(create(payload)),
      list: ({ query: { limit, cursor, ...filter } }) =>
        listPlaybackTokens(filter, pageRequest({ limit, cursor })).pipe(
          Effect.map(withTextCursor),
          Effect.flatMap(answerPage),
          answerList
        ),
      get: ({ params }) =>
        describePlaybackToken(params.id).pipe(
          Effect.flatMap(found),
          Effect.map(playbackTokenShown),
          storeFailureToDefect
        ),
      revoke: ({ params }) =>
        revokePlaybackToken(params.id).pipe(
          Effect.flatMap((revoked) => (Option.isSome(revoked) ? Effect.void : notFound)),
          storeFailureToDefect
        )
    })
  })
)
