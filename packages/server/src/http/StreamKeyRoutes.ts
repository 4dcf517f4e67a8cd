/** The stream keys' endpoints. The answer that creates a key is the one place where a key is written out. */
import {
  Addresses,
  changeKey,
  describeKey,
  ingestInstructions,
  issueKey,
  listKeys,
  MediaServer,
  revoke
} from "@greenroom/core"
import { Effect, Option, Redacted } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "./api/Api.ts"
import { Conflict, NotFound } from "./api/Problems.ts"
import type { NewStreamKey, StreamKeyChanges } from "./api/StreamKeysApi.ts"
import { handled, pageRequest } from "./handled.ts"
import { invalid } from "./jsonBody.ts"
import { issuedKeyToWire, keyToWire, pageToWire } from "./toWire.ts"

const notFound = Effect.fail(new NotFound({ detail: "No stream key has this id" }))
const found = <A>(option: Option.Option<A>) =>
  Option.match(option, { onNone: () => notFound, onSome: (value) => Effect.succeed(value) })
const expiryInPast = invalid([{ pointer: "/expires_at", detail: "Expected a time in the future" }])

const toOrder = ({ broadcaster_id, label = null, path = null, expires_at = null }: typeof NewStreamKey.Type) => ({
  broadcasterId: broadcaster_id,
  label,
  path,
  expiresAt: expires_at
})

const toChanges = ({ label, expires_at, enabled }: typeof StreamKeyChanges.Type) => ({
  ...(label === undefined ? {} : { label }),
  ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
  ...(enabled === undefined ? {} : { enabled })
})

type Outcome = Effect.Success<ReturnType<typeof issueKey>>

const issued = Effect.fnUntraced(function* ({ key, now, value, ingestPath }: Extract<Outcome, { _tag: "Issued" }>) {
  const served = yield* Effect.flatMap(MediaServer, (mediaServer) => mediaServer.served)
  const ingest = ingestInstructions(yield* Addresses, served, ingestPath, Redacted.value(value))
  return HttpApiSchema.withHeaders({
    body: issuedKeyToWire({ key, now }, value, ingest),
    headers: { location: `/stream-keys/${key.id}`, "cache-control": "no-store" }
  })
})

const answerIssue = Effect.fnUntraced(function* (outcome: Outcome) {
  switch (outcome._tag) {
    case "Issued":
      return yield* issued(outcome)
    case "UnknownBroadcaster":
      return yield* invalid([{ pointer: "/broadcaster_id", detail: "Expected the id of a broadcaster that exists" }])
    case "ExpiryInPast":
      return yield* expiryInPast
    case "PathTaken":
      return yield* new Conflict({ detail: "The path belongs to another broadcaster's stream key" })
  }
})

const answerChange = Effect.fnUntraced(function* (outcome: Effect.Success<ReturnType<typeof changeKey>>) {
  switch (outcome._tag) {
    case "Changed":
      return keyToWire(outcome)
    case "NotFound":
      return yield* notFound
    case "Revoked":
      return yield* new Conflict({ detail: "The stream key is revoked, and that is for good" })
    case "ExpiryInPast":
      return yield* expiryInPast
  }
})

export const layer = HttpApiBuilder.group(ServedApi, "stream_keys", (handlers) =>
  handlers.handleAll({
    issue: ({ payload }) => issueKey(toOrder(payload)).pipe(Effect.flatMap(answerIssue), handled),
    list: ({ query: { broadcaster_id, status, ...page } }) =>
      listKeys(
        {
          ...(broadcaster_id === undefined ? {} : { broadcasterId: broadcaster_id }),
          ...(status === undefined ? {} : { status })
        },
        pageRequest(page)
      ).pipe(
        Effect.map((keys) => pageToWire("stream_keys", keys, (key) => keyToWire({ key, now: keys.now }))),
        handled
      ),
    get: ({ params }) => describeKey(params.id).pipe(Effect.flatMap(found), Effect.map(keyToWire), handled),
    change: ({ params, payload }) =>
      changeKey(params.id, toChanges(payload)).pipe(Effect.flatMap(answerChange), handled),
    revoke: ({ params }) =>
      revoke(params.id).pipe(
        Effect.flatMap(found),
        Effect.map((key) => (key.offAir ? undefined : keyToWire(key))),
        handled
      )
  })
)
