/**
 * Publishers whom Greenroom never admitted, because it was down or the media server did not ask: sent away when it looks, or only
 * reported, as it is configured.
 */
import { randomBytes } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Cluster } from "../worlds/Cluster.ts"
import { goesWrong } from "../worlds/HttpRelay.ts"
import { bent, type Publishable } from "../worlds/Target.ts"
import { TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { neverPublished, newKey, someName } from "./acts.ts"

const SEVERAL_LOOKS = "2500 millis"

/** Lets in whoever wants to publish, and asks nobody. */
export const asksNobody = Effect.flatMap(Cluster, ({ relay }) =>
  goesWrong(relay, { _tag: "Status", status: 200, only: '"action":"publish"' })
)

/** What goes wrong at the relay ends with the effect. */
const unauthorized = Effect.fnUntraced(function* (protocol: Publishable) {
  const deployment = yield* TestDeployment
  const { stage } = yield* Cluster
  const key = yield* newKey()
  const target = bent(key, protocol, {
    path: someName("unauthorized"),
    secret: `nobody-${randomBytes(8).toString("hex")}`
  })
  yield* deployment.service.kill
  const encoder = yield* deployment.encode(target)
  const there = Effect.map(stage.published, (paths) => (paths.has(target.path) ? true : undefined))
  return { key, target, encoder, there }
})

export const unauthorizedPublishers = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect("who came while Greenroom was down, and was let in by nobody's word, is only reported, or kicked", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { service } = deployment
      const { relay } = yield* Cluster
      yield* asksNobody
      const { key, target, encoder, there } = yield* unauthorized("srt")
      yield* Effect.addFinalizer(() => service.set({ UNAUTHORIZED_PUBLISHERS: "kick" }))
      yield* service.set({ UNAUTHORIZED_PUBLISHERS: "report" })
      // The control API asks through the relay, too: nobody sees who is there before Greenroom is back.
      yield* service.start
      yield* relay.fault(null)
      yield* waitFor("it publishes", there, 5_000)
      const reported = Effect.sync(() =>
        service.lines().find(({ message, path }) => message.includes("only reported") && path === target.path)
      )
      yield* waitFor("it is reported", reported, 5_000)
      yield* Effect.sleep(SEVERAL_LOOKS)
      assert.isFalse(encoder.hasEnded())
      const lines = service.lines().filter(({ message }) => message.includes("only reported"))
      assert.strictEqual(lines.length, 1, "said once, not every second")

      yield* service.kill
      yield* service.set({ UNAUTHORIZED_PUBLISHERS: "kick" })
      yield* service.start
      const gone = Effect.sync(() => (encoder.hasEnded() ? true : undefined))
      const { millis } = yield* waitFor("it is kicked", gone, 5_000)
      deployment.measure({
        what: "Greenroom back to an unauthorized publisher kicked",
        of: "srt",
        promised: 5_000,
        millis
      })
      yield* neverPublished(key)
    })
  )
}
