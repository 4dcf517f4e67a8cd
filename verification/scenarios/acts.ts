/** What scenarios do and expect again and again. */
import { randomBytes } from "node:crypto"
import { assert } from "@effect/vitest"
import { withoutKeys } from "@greenroom/core"
import { Effect } from "effect"
import type { IssuedKey, Stream } from "../worlds/Api.ts"
import type { LogLine } from "../worlds/runService.ts"
import { type Publishable, type Target, targetOf } from "../worlds/Target.ts"
import { type Encoder, listen, TestDeployment, waitFor } from "../worlds/TestDeployment.ts"

/** From connecting to listed, with RTMP's two seconds of analysis and a second between two looks. */
export const LISTED_WITHIN_MS = 5_000

export const someName = (beginning: string): string => `${beginning}-${randomBytes(4).toString("hex")}`

export const newBroadcaster = Effect.fnUntraced(function* () {
  const { api } = (yield* TestDeployment).service
  const { status, body } = yield* api.call<{ readonly id: string }>("POST", "/broadcasters", {
    display_name: someName("Studio")
  })
  assert.strictEqual(status, 201)
  return body.id
})

export interface KeyOrder {
  readonly broadcaster?: string
  readonly path?: string
  readonly label?: string
}

export const newKey = Effect.fnUntraced(function* (order: KeyOrder = {}) {
  const { api } = (yield* TestDeployment).service
  const { status, body } = yield* api.call<IssuedKey>("POST", "/stream-keys", {
    broadcaster_id: order.broadcaster ?? (yield* newBroadcaster()),
    path: order.path ?? null,
    ...(order.label === undefined ? {} : { label: order.label })
  })
  assert.strictEqual(status, 201)
  return body
})

/**
 * Lets the key expire after so many milliseconds, or more: on a busy machine the moment may have passed before it is set, so that it is
 * set anew, further away. `at` is the moment by `performance.now()`.
 */
export const expireSoon = Effect.fnUntraced(function* (key: IssuedKey, within: number) {
  const { api } = (yield* TestDeployment).service
  for (let life = within; life < 60_000; life *= 2) {
    const at = performance.now() + life
    const expires_at = new Date(Date.now() + life).toISOString()
    if ((yield* api.call("PATCH", `/stream-keys/${key.id}`, { expires_at })).status === 200) return { life, at }
  }
  return assert.fail("no expiry is accepted")
})

export const newExpiredKey = Effect.fnUntraced(function* (order: KeyOrder = {}) {
  const { api } = (yield* TestDeployment).service
  const key = yield* newKey(order)
  const { life } = yield* expireSoon(key, 500)
  const hasExpired = Effect.map(api.key(key.id), ({ status }) => (status === "expired" ? true : undefined))
  yield* waitFor("the key expires", hasExpired, life + 5_000)
  return key
})

/** The active stream of the key, as soon as it is listed. */
export const listed = Effect.fnUntraced(function* (key: IssuedKey, within = LISTED_WITHIN_MS) {
  const { api } = (yield* TestDeployment).service
  const ask = Effect.map(api.streams(`stream_key_id=${key.id}`), (streams) => streams[0])
  return yield* waitFor(`a stream of ${key.key_prefix}… is listed`, ask, within)
})

/** Until no stream of the key is listed any more; how long that took. */
export const unlisted = Effect.fnUntraced(function* (key: IssuedKey, within: number) {
  const { api } = (yield* TestDeployment).service
  const ask = Effect.map(api.streams(`stream_key_id=${key.id}&status=connecting,active`), (streams) =>
    streams.length === 0 ? true : undefined
  )
  return (yield* waitFor(`no stream of ${key.key_prefix}… is listed`, ask, within)).millis
})

export interface OnAir {
  readonly key: IssuedKey
  readonly encoder: Encoder
  readonly stream: Stream
}

const TRIES = 20
/** A little less than the deadline of a lookup within `/auth`: an answer in use that took as long is one in doubt. */
const LOOKUP_MS = 450

/** In use as far as anybody knows: the other source could not be looked up in time, on a busy machine. */
export const isInDoubt = ({ reason, duration_ms = 0 }: LogLine): boolean =>
  reason === "stream_key_in_use" && duration_ms > LOOKUP_MS

/**
 * Publishes until there is a decision: on a busy machine the store may not answer within `/auth`'s 0.8 s, which is a 503, and the
 * encoder comes again. `isUndecided`: a decision that goes by the time, and by whether such an answer went before.
 */
const encodeUntilDecided = Effect.fnUntraced(function* (
  what: string,
  target: Target,
  fits: (line: LogLine) => boolean,
  isUndecided: (line: LogLine, isLost: boolean) => boolean = () => false
) {
  const deployment = yield* TestDeployment
  const shown = withoutKeys(target.path)
  const isUnanswered = ({ status, path, protocol }: LogLine) =>
    status === 503 && path === shown && protocol === target.protocol
  let isLost = false
  for (let n = 1; n <= TRIES; n++) {
    const heard = yield* listen
    const encoder = yield* deployment.encode(target)
    const line = yield* heard.first(what, (line) => fits(line) || isUnanswered(line))
    isLost ||= isUnanswered(line)
    if (!isUnanswered(line) && !isUndecided(line, isLost)) return { encoder, line }
    yield* encoder.ended
  }
  return yield* Effect.die(new Error(`${what}: no decision in ${TRIES} tries`))
})

/** Publishes there with the key and is let in, at the first try that is decided; returns when it was. */
export const letInAt = Effect.fnUntraced(function* (key: IssuedKey, target: Target) {
  const { encoder, line } = yield* encodeUntilDecided(
    `something of ${key.key_prefix}…`,
    target,
    ({ stream_key_id }) => stream_key_id === key.id,
    // Or by what was admitted behind a lost answer.
    (line, isLost) => isInDoubt(line) || (isLost && line.reason === "stream_key_in_use")
  )
  assert.strictEqual(line.decision, "allow", `at its first try: ${line.reason}`)
  return { encoder, admission: line }
})

/** As the key's instructions say. */
export const letIn = (key: IssuedKey, protocol: Publishable) => letInAt(key, targetOf(key, protocol))

/** The same; returns when it is listed. */
export const goOnAirAt = Effect.fnUntraced(function* (key: IssuedKey, target: Target) {
  const { encoder, admission } = yield* letInAt(key, target)
  const { value: stream } = yield* listed(key)
  assert.strictEqual(stream.source_id, admission.source_id)
  assert.isFalse(encoder.hasEnded())
  const onAir: OnAir = { key, encoder, stream }
  return onAir
})

export const goOnAir = (key: IssuedKey, protocol: Publishable) => goOnAirAt(key, targetOf(key, protocol))

/** Tries to publish and is refused for this reason; returns when it has been told. */
export const isRefused = Effect.fnUntraced(function* (what: string, target: Target, reason: string) {
  const shown = withoutKeys(target.path)
  const { encoder, line } = yield* encodeUntilDecided(
    what,
    target,
    // RTSP clients ask once without their key.
    (line) =>
      line.protocol === target.protocol &&
      line.path === shown &&
      (line.reason !== "unauthorized" || reason === "unauthorized")
  )
  assert.strictEqual(line.decision, "refuse", what)
  assert.strictEqual(line.reason, reason, what)
  return encoder
})

export const isRefusedWith = (key: IssuedKey, protocol: Publishable, reason: string) =>
  isRefused(`${key.key_prefix}… is refused`, targetOf(key, protocol), reason)

/** It goes on as it was: the same stream of the same connection, and more of it has come in. */
export const goesOn = Effect.fnUntraced(function* ({ key, encoder, stream }: OnAir) {
  const { api } = (yield* TestDeployment).service
  const before = yield* api.stream(stream.id)
  const ask = Effect.map(api.stream(stream.id), (now) => (now.inbound_bytes > before.inbound_bytes ? now : undefined))
  const { value: now } = yield* waitFor(`more of ${key.key_prefix}… comes in`, ask, 5_000)
  assert.strictEqual(now.status, "active")
  assert.strictEqual(now.source_id, stream.source_id)
  assert.isFalse(encoder.hasEnded())
})

/** How it ended, when it has. */
export const isOver = Effect.fnUntraced(function* ({ stream }: OnAir, reason: string, within = 5_000) {
  const { api } = (yield* TestDeployment).service
  const ask = Effect.map(api.stream(stream.id), (now) => (now.status === "inactive" ? now : undefined))
  const { value, millis } = yield* waitFor(`stream ${stream.path} is over`, ask, within)
  assert.strictEqual(value.end_reason, reason)
  return millis
})

/** No encoder ever got in with the key. */
export const neverPublished = Effect.fnUntraced(function* (key: IssuedKey) {
  const { api } = (yield* TestDeployment).service
  assert.deepStrictEqual(yield* api.streams(`status=connecting,active,inactive&stream_key_id=${key.id}`), [])
})

/** The types of the stream's events, in order. */
export const eventsOf = Effect.fnUntraced(function* (streamId: string) {
  const { api } = (yield* TestDeployment).service
  const { body } = yield* api.call<{ readonly events: ReadonlyArray<{ readonly seq: number; readonly type: string }> }>(
    "GET",
    `/streams/${streamId}/events`
  )
  assert.deepStrictEqual(
    body.events.map(({ seq }) => seq),
    body.events.map((_, index) => index + 1),
    "a sequence without gaps"
  )
  return body.events.map(({ type }) => type)
})

/** Until the stream has such an event. */
export const happens = (streamId: string, type: string, within = 5_000) =>
  waitFor(
    `stream ${streamId} is ${type}`,
    Effect.map(eventsOf(streamId), (types) => (types.includes(type) ? true : undefined)),
    within
  )

/** Taken off the air in whole, each step once. */
export const TAKEN_OFF = ["admitted", "ready", "stop_requested", "kicked", "ended"]

/** Repeating it answers 204: nothing of the key is left on the air. */
export const revoked = Effect.fnUntraced(function* (key: IssuedKey) {
  const { api } = (yield* TestDeployment).service
  assert.strictEqual((yield* api.call("DELETE", `/stream-keys/${key.id}`)).status, 204)
})
