/** How a stream ends, over one protocol of one version. */
import { assert } from "@effect/vitest"
import { Effect, type Exit } from "effect"
import { isOver, neverPublished, newKey, type OnAir, revoked } from "../../scenarios/acts.ts"
import { TestDeployment, waitFor } from "../../worlds/TestDeployment.ts"
import { GOES_WITHIN_MS, MISSED_WITHIN_MS, onAir, published, usableAgain } from "./acts.ts"
import { MediaUnderTest, type Way } from "./MediaUnderTest.ts"
import type { Measure } from "./Play.ts"

export const revoke = Effect.fnUntraced(function* (way: Way, measure: Measure) {
  const { api } = (yield* TestDeployment).service
  const live = yield* onAir(way)
  const [answer, gone] = yield* Effect.all(
    [api.call("DELETE", `/stream-keys/${live.key.id}`), published(live.stream.path, false, GOES_WITHIN_MS)],
    { concurrency: 2 }
  )
  assert.oneOf(answer.status, [202, 204])
  measure("revoke to off the air", gone)
  yield* isOver(live, "revoked")
  const ended = Effect.sync(() => (live.encoder.hasEnded() ? true : undefined))
  yield* waitFor("the encoder notices", ended, MISSED_WITHIN_MS)
  yield* revoked(live.key)
  return answer.status === 204 ? "ok" : "the first answer is 202"
})

export const kill = Effect.fnUntraced(function* (way: Way, measure: Measure) {
  const live = yield* onAir(way)
  yield* live.encoder.kill
  measure("encoder killed to stream ended", yield* isOver(live, "disconnected", MISSED_WITHIN_MS))
  yield* usableAgain(way, live)
  return "ok"
})

/** For a MediaMTX that admits every publisher by itself. */
export const stranger = Effect.fnUntraced(function* (way: Way, measure: Measure) {
  const deployment = yield* TestDeployment
  const media = yield* MediaUnderTest
  const key = yield* newKey()
  const target = media.targetOf(key, way)
  yield* deployment.stranger(target)
  const kicked = Effect.sync(() =>
    deployment.service.lines().find(({ message, path }) => message === "publisher kicked" && path === target.path)
  )
  const began = performance.now()
  yield* waitFor("Greenroom logs the kick", kicked, 5_000)
  yield* published(target.path, false, GOES_WITHIN_MS)
  measure("stranger started to gone", performance.now() - began)
  yield* neverPublished(key)
  return "ok"
})

/** On the air over each of the ways, for a restart under all of them. */
export const beforeRestart = (ways: ReadonlyArray<Way>) =>
  Effect.forEach(ways, (way) => Effect.map(Effect.exit(onAir(way)), (before) => ({ way, before })), { concurrency: 2 })

/** How the stream of before ended, and whether the key publishes again. */
export const afterRestart = Effect.fnUntraced(function* (way: Way, before: Exit.Exit<OnAir>) {
  const { api } = (yield* TestDeployment).service
  const live = yield* before
  const ask = Effect.map(api.stream(live.stream.id), (now) => (now.status === "inactive" ? now : undefined))
  const { value } = yield* waitFor("the stream of before ends", ask, 5_000)
  yield* live.encoder.kill
  yield* usableAgain(way, live)
  return value.end_reason === "media_server_restarted" ? "ok" : `ends as \`${value.end_reason}\``
})
