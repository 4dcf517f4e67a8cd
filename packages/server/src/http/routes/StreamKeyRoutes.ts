/** The stream keys' endpoints. The answer that creates a key is the one place where a key is written out. */
import {
  BroadcasterId,
  changeKey,
  countKeys,
  describeIngest,
  describeKey,
  Endpoints,
  ingestInstructions,
  issueKey,
  type KeyAt,
  type KeyChanges,
  type KeyValue,
  listKeys,
  MediaServer,
  revoke,
  rotateKey,
  Timestamp
} from "@greenroom/core"
import { type KeyRequestFault, type ReadableKeyRequest, validateKeyRequest } from "@greenroom/core/internal"
import { Effect, Option, Redacted, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import { NewStreamKey, StreamKey, StreamKeyChanges, StreamKeyRotation } from "../api/streamKeySchemas.ts"
import { operatorBody } from "../body/jsonBody.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { type FieldError, failWith, invalid } from "../problems/Problem.ts"
import { foundOr, pageRequest, storeFailureToDefect, withCursor, withTotal } from "./handling.ts"
import { streamKeyShown } from "./streamKeyShown.ts"

const notFound = failWith("not-found", "No stream key has this id")
const found = foundOr(notFound)

const fieldErrors: { readonly [F in KeyRequestFault]: FieldError } = {
  UnknownBroadcaster: { pointer: "/broadcaster_id", detail: "Expected the id of a broadcaster that exists" },
  ExpiryInPast: { pointer: "/expires_at", detail: "Expected a time in the future" }
}
const expiryInPast = invalid([fieldErrors.ExpiryInPast])

/** What only the store knows to be wrong; nothing while it does not answer, because the rest can be answered all the same. */
const storeErrors = (order: ReadableKeyRequest) =>
  validateKeyRequest(order).pipe(
    Effect.map((faults) => faults.map((fault) => fieldErrors[fault])),
    Effect.catch(() => Effect.succeed([]))
  )

const readBroadcasterId = Schema.decodeUnknownOption(BroadcasterId)
const readTimestamp = Schema.decodeUnknownOption(Timestamp)

const newKeyBody = operatorBody(NewStreamKey, (sent) =>
  storeErrors({
    broadcasterId: Option.getOrUndefined(readBroadcasterId(sent.broadcaster_id)),
    expiresAt: Option.getOrUndefined(readTimestamp(sent.expires_at))
  })
)

const changesBody = operatorBody(StreamKeyChanges, (sent) =>
  storeErrors({ expiresAt: Option.getOrUndefined(readTimestamp(sent.expires_at)) })
)

const rotationBody = operatorBody(StreamKeyRotation, () => Effect.succeed([]))

const pathReserved = invalid([
  { pointer: "/path", detail: "Expected another path: on live/<id>/out only Greenroom's workers publish (WORKERS=on)" }
])

type NewValue = KeyAt & { readonly value: KeyValue; readonly ingestPath: string }

const issued = Effect.fnUntraced(function* ({ key, now, value, ingestPath }: NewValue) {
  const served = yield* Effect.flatMap(MediaServer, (mediaServer) => mediaServer.enabled)
  const ingest = ingestInstructions(yield* Endpoints, served, ingestPath, Redacted.value(value))
  return HttpApiSchema.withHeaders({
    body: { ...streamKeyShown({ key, now }), keyValue: Redacted.value(value), ingest },
    headers: { location: `/stream-keys/${key.id}`, "cache-control": "no-store" }
  })
})

const issue = Effect.fnUntraced(function* ({ label = null, expiresAt = null, ...order }: typeof NewStreamKey.Type) {
  const outcome = yield* issueKey({ ...order, label, expiresAt })
  switch (outcome._tag) {
    case "Issued":
      return yield* issued(outcome)
    case "UnknownBroadcaster":
      return yield* invalid([fieldErrors.UnknownBroadcaster, ...(yield* storeErrors({ expiresAt }))])
    case "ExpiryInPast":
      return yield* expiryInPast
    case "PathReserved":
      return yield* pathReserved
    case "PathTaken":
      return yield* failWith("conflict", "The path belongs to another broadcaster's stream key")
  }
})

const answerChange = Effect.fnUntraced(function* (outcome: Effect.Success<ReturnType<typeof changeKey>>) {
  switch (outcome._tag) {
    case "Changed":
      return streamKeyShown(outcome)
    case "NotFound":
      return yield* notFound
    case "Revoked":
      return yield* failWith("conflict", "The stream key is revoked, and that is for good")
    case "ExpiryInPast":
      return yield* expiryInPast
  }
})

const answerRotation = Effect.fnUntraced(function* (outcome: Effect.Success<ReturnType<typeof rotateKey>>) {
  switch (outcome._tag) {
    case "Rotated":
      return yield* issued(outcome)
    case "NotFound":
      return yield* notFound
    case "Revoked":
      return yield* failWith("conflict", "The stream key is revoked: issue a new one with POST /stream-keys")
    case "Expired":
      return yield* failWith("conflict", "The stream key has expired: move its expires_at first, or issue a new one")
    case "RotatedAlready":
      return yield* failWith("conflict", `The stream key was rotated already: rotate the new one, ${outcome.to}`)
    case "OverlapRuns":
      return yield* failWith(
        "conflict",
        `The key before it still publishes: revoke that one first, with DELETE /stream-keys/${outcome.of}`
      )
  }
})

/** The wire's name for the block is that of its time. */
const changesOf = ({ blockedUntil, ...changes }: typeof StreamKeyChanges.Type): KeyChanges =>
  blockedUntil === undefined ? changes : { ...changes, block: null }

const answerPage = pageAnswer("stream_keys", StreamKey, streamKeyShown)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "stream_keys",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers
      .handleRaw("issue", () => newKeyBody.pipe(Effect.flatMap(issue), storeFailureToDefect))
      .handleRaw("change", ({ params }) =>
        changesBody.pipe(
          Effect.flatMap((changes) => changeKey(params.id, changesOf(changes))),
          Effect.flatMap(answerChange),
          storeFailureToDefect
        )
      )
      .handleRaw("rotate", ({ params }) =>
        rotationBody.pipe(
          Effect.flatMap(({ overlapSeconds = 0 }) => rotateKey(params.id, overlapSeconds)),
          Effect.flatMap(answerRotation),
          storeFailureToDefect
        )
      )
      .handleAll({
        list: ({ query: { limit, cursor, total, deleted, ...rest } }) => {
          const filter = { ...rest, ofDeleted: deleted === "true" }
          return listKeys(filter, pageRequest({ limit, cursor })).pipe(
            Effect.map(({ items, now, next }) => withCursor({ items: items.map((key) => ({ key, now })), now, next })),
            withTotal(total, countKeys(filter)),
            Effect.flatMap(answerPage),
            answerList
          )
        },
        get: ({ params }) =>
          describeKey(params.id).pipe(Effect.flatMap(found), Effect.map(streamKeyShown), storeFailureToDefect),
        ingest: ({ params }) => describeIngest(params.id).pipe(Effect.flatMap(found), storeFailureToDefect),
        revoke: ({ params }) =>
          revoke(params.id).pipe(
            Effect.flatMap(found),
            Effect.map((key) => (key.offAir ? undefined : streamKeyShown(key))),
            storeFailureToDefect
          )
      })
  })
)
