/** Publishers that the media server let in without asking: from before authentication was on, or past another Greenroom. */
import type { Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { type Publishable, targetOf } from "../worlds/Target.ts"
import { TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { neverPublished, newKey } from "./acts.ts"

/** A browser has to start before it connects. */
const STARTS_WITHIN_MS = { rtmp: 0, rtsp: 0, srt: 0, webrtc: 5_000 }

export const strangers = (it: Vitest.MethodsNonLive<TestDeployment>, protocols: ReadonlyArray<Publishable>): void => {
  it.effect.each(protocols)("a publisher that was never admitted is kicked: %s", (protocol) =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const key = yield* newKey()
      const began = performance.now()
      const target = targetOf(key, protocol)
      const encoder = yield* deployment.stranger(target)
      const said = Effect.sync(() =>
        deployment.service.lines().find(({ message, path }) => message === "publisher kicked" && path === target.path)
      )
      yield* waitFor("Greenroom says that it kicked it", said, STARTS_WITHIN_MS[protocol] + 5_000)
      deployment.measure({
        what: "stranger started to kicked",
        of: protocol,
        promised: STARTS_WITHIN_MS[protocol] + 5_000,
        millis: performance.now() - began
      })
      // A browser has to miss its peer first.
      const gone = Effect.sync(() => (encoder.hasEnded() ? true : undefined))
      yield* waitFor("it is gone", gone, protocol === "webrtc" ? 60_000 : 1_000)
      yield* neverPublished(key)
    })
  )
}
