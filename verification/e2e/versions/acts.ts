/** What the plays of a version have in common. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { goOnAirAt, newKey, type OnAir } from "../../scenarios/acts.ts"
import type { IssuedKey } from "../../worlds/Api.ts"
import { waitFor } from "../../worlds/TestDeployment.ts"
import { MediaUnderTest, type Way } from "./MediaUnderTest.ts"

/** Until MediaMTX's own list shows, or does not show, a publisher there; how long that took. */
export const published = Effect.fnUntraced(function* (path: string, isThere: boolean, within: number) {
  const media = yield* MediaUnderTest
  const ask = Effect.map(media.isPublished(path), (now) => (now === isThere ? true : undefined))
  return (yield* waitFor(`MediaMTX ${isThere ? "shows" : "no longer shows"} a publisher`, ask, within)).millis
})

export const onAir = Effect.fnUntraced(function* (way: Way, key?: IssuedKey) {
  const media = yield* MediaUnderTest
  const own = key ?? (yield* newKey())
  return yield* goOnAirAt(own, media.targetOf(own, way))
})

export const GOES_WITHIN_MS = 2_500
/** A killed QUIC client is missed after 30 s, a browser's ICE takes its time, SRT has `readTimeout`. */
export const MISSED_WITHIN_MS = 15_000

/** The key of a stream that has ended publishes again, at its first try. */
export const usableAgain = Effect.fnUntraced(function* (way: Way, { key, stream }: OnAir) {
  const again = yield* onAir(way, key)
  assert.notStrictEqual(again.stream.id, stream.id)
  return again
})
