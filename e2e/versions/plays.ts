/** What is played over each protocol of each version. A play ends when all is as it should be, or says in a few words what was seen instead. */
import { assert } from "@effect/vitest"
import { Effect, type Exit } from "effect"
import type { IssuedKey } from "../../packages/server/test/scenarios/Api.ts"
import {
  goesOn,
  goOnAirAt,
  isOver,
  isRefused,
  listed,
  neverPublished,
  newKey,
  type OnAir,
  revoked,
  someName
} from "../../packages/server/test/scenarios/acts.ts"
import { bentPath, type Target } from "../../packages/server/test/scenarios/Target.ts"
import { listen, Venue, waitFor } from "../../packages/server/test/scenarios/Venue.ts"
import { MediaUnderTest, shownAs, type Way } from "./MediaUnderTest.ts"

export const plays = [
  "publish",
  "refuse",
  "second publisher",
  "revoke",
  "kill",
  "reconnect",
  "restart",
  "stranger"
] as const
export type Play = (typeof plays)[number]

/** Tells a fact beside the outcome: milliseconds, or words. */
export type Tell = (what: string, value: number | string) => void

/** Until MediaMTX's own list shows, or does not show, a publisher there; how long that took. */
const published = Effect.fnUntraced(function* (path: string, isThere: boolean, within: number) {
  const media = yield* MediaUnderTest
  const ask = Effect.map(media.isPublished(path), (now) => (now === isThere ? true : undefined))
  return (yield* waitFor(`MediaMTX ${isThere ? "shows" : "no longer shows"} a publisher`, ask, within)).millis
})

const onAir = Effect.fnUntraced(function* (way: Way, key?: IssuedKey) {
  const media = yield* MediaUnderTest
  const own = key ?? (yield* newKey())
  return yield* goOnAirAt(own, media.targetOf(own, way))
})

const GOES_WITHIN_MS = 2_500
/** A killed QUIC client is missed after 30 s, a browser's ICE takes its time, SRT has `readTimeout`. */
const MISSED_WITHIN_MS = 15_000

/** Its failure keeps all other plays of the way from being played. */
export const publish = Effect.fnUntraced(function* (way: Way, tell: Tell) {
  const began = performance.now()
  const live = yield* onAir(way)
  tell("encoder started to listed", performance.now() - began)
  yield* goesOn(live)
  const { protocol, source_type: sourceType } = live.stream
  const isShown =
    protocol === shownAs[way].protocol && sourceType?.toLowerCase() === shownAs[way].sourceType.toLowerCase()
  return isShown ? "ok" : `shown as ${protocol}, ${sourceType}`
})

/** The encoder's own words, without its addresses and times. */
const wordsOf = (shown: string): string => {
  const [line = ""] = shown.split("\n").filter((text) => /error|fail|refus|denied|reject|HTTP|clos|401|403/i.test(text))
  return line
    .replace(/^\[[^\]]*\]\s*|^[\d:.]+\/SRT\S* (.*: )?/, "")
    .replaceAll(/\S+:\/\/\S+/g, "…")
    .slice(0, 120)
}

const refuse = Effect.fnUntraced(function* (way: Way, tell: Tell) {
  const { api } = (yield* Venue).service
  const media = yield* MediaUnderTest
  const key = yield* newKey()
  const wrong = { ...key, key_value: api.inventKey() }
  const text = (target: Target): Target => ({
    ...target,
    url: target.url.replaceAll(key.key_value, wrong.key_value),
    bearer: target.bearer.replaceAll(key.key_value, wrong.key_value)
  })
  const target = text(media.targetOf(key, way))
  const encoder = yield* isRefused("a wrong key", target, "invalid_stream_key")
  const ended = Effect.sync(() => (encoder.hasEnded() ? true : undefined))
  const { millis } = yield* waitFor("the refused encoder ends", ended, 5_000)
  tell("a refused encoder shows", wordsOf(encoder.shown()) || "nothing")
  tell("refused to its encoder's end", millis)
  assert.isFalse((yield* media.isPublished(target.path)) ?? true, "MediaMTX shows no publisher")
  yield* neverPublished(key)
  return "ok"
})

const secondPublisher = Effect.fnUntraced(function* (way: Way) {
  const media = yield* MediaUnderTest
  const first = yield* onAir(way)
  const target = media.targetOf(first.key, way)
  const same = yield* isRefused("a second encoder on the path", target, "stream_key_in_use")
  const other = bentPath(target, someName("live/elsewhere"))
  const elsewhere = yield* isRefused("a second encoder on another path", other, "stream_key_in_use")
  yield* Effect.all([same.ended, elsewhere.ended])
  yield* goesOn(first)
  return "ok"
})

const revoke = Effect.fnUntraced(function* (way: Way, tell: Tell) {
  const { api } = (yield* Venue).service
  const live = yield* onAir(way)
  const [answer, gone] = yield* Effect.all(
    [api.call("DELETE", `/stream-keys/${live.key.id}`), published(live.stream.path, false, GOES_WITHIN_MS)],
    { concurrency: 2 }
  )
  assert.oneOf(answer.status, [202, 204])
  tell("revoke to off the air", gone)
  yield* isOver(live, "revoked")
  const ended = Effect.sync(() => (live.encoder.hasEnded() ? true : undefined))
  yield* waitFor("the encoder notices", ended, MISSED_WITHIN_MS)
  yield* revoked(live.key)
  return answer.status === 204 ? "ok" : "the first answer is 202"
})

const usableAgain = Effect.fnUntraced(function* (way: Way, { key, stream }: OnAir) {
  const again = yield* onAir(way, key)
  assert.notStrictEqual(again.stream.id, stream.id)
  return again
})

const kill = Effect.fnUntraced(function* (way: Way, tell: Tell) {
  const live = yield* onAir(way)
  yield* live.encoder.kill
  tell("encoder killed to stream ended", yield* isOver(live, "disconnected", MISSED_WITHIN_MS))
  yield* usableAgain(way, live)
  return "ok"
})

/** As an encoder does that is stopped and started: nothing is waited for between. */
const reconnect = Effect.fnUntraced(function* (way: Way) {
  const media = yield* MediaUnderTest
  const live = yield* onAir(way)
  yield* live.encoder.stop
  const heard = yield* listen
  yield* (yield* Venue).encode(media.targetOf(live.key, way))
  const line = yield* heard.first(
    "something of the newcomer",
    ({ stream_key_id, reason }) => stream_key_id === live.key.id && reason !== "unauthorized"
  )
  if (line.decision !== "allow") return `refused, ${line.reason}`
  const { value } = yield* listed(live.key)
  assert.notStrictEqual(value.id, live.stream.id)
  yield* isOver(live, "disconnected")
  return "ok"
})

/** For a MediaMTX that lets everybody in. */
const stranger = Effect.fnUntraced(function* (way: Way, tell: Tell) {
  const venue = yield* Venue
  const media = yield* MediaUnderTest
  const key = yield* newKey()
  const target = media.targetOf(key, way)
  yield* venue.stranger(target)
  const kicked = Effect.sync(() =>
    venue.service.lines().find(({ message, path }) => message === "publisher kicked" && path === target.path)
  )
  const began = performance.now()
  yield* waitFor("Greenroom says that it kicked it", kicked, 5_000)
  yield* published(target.path, false, GOES_WITHIN_MS)
  tell("stranger started to gone", performance.now() - began)
  yield* neverPublished(key)
  return "ok"
})

/** Those that a way plays by itself, once it can publish, on a MediaMTX that asks Greenroom. */
export const ownPlays = {
  refuse,
  "second publisher": secondPublisher,
  revoke,
  kill,
  reconnect
} as const satisfies { readonly [P in Play]?: unknown }

export const strangerPlay = stranger

/** On the air over each of the ways, for a restart under all of them. */
export const beforeRestart = (ways: ReadonlyArray<Way>) =>
  Effect.forEach(ways, (way) => Effect.map(Effect.exit(onAir(way)), (before) => ({ way, before })), { concurrency: 2 })

/** How the stream of before ended, and whether the key publishes again. */
export const afterRestart = Effect.fnUntraced(function* (way: Way, before: Exit.Exit<OnAir>) {
  const { api } = (yield* Venue).service
  const live = yield* before
  const ask = Effect.map(api.stream(live.stream.id), (now) => (now.status === "inactive" ? now : undefined))
  const { value } = yield* waitFor("the stream of before ends", ask, 5_000)
  yield* live.encoder.kill
  yield* usableAgain(way, live)
  return value.end_reason === "media_server_restarted" ? "ok" : `ends as \`${value.end_reason}\``
})
