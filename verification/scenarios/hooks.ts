/** Hooks in every disorder: they make Greenroom look, and what it then sees is what counts. */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { pathOf } from "../worlds/Target.ts"
import { TestDeployment } from "../worlds/TestDeployment.ts"
import { eventsOf, goesOn, goOnAir, isOver, newKey, someName } from "./acts.ts"
import { type Hook, sendHook } from "./mediaServerCalls.ts"

/** What passes, however short, while one look and the next are made. */
const TWO_LOOKS = "2200 millis"

const everything = Effect.gen(function* () {
  const { api } = (yield* TestDeployment).service
  const streams = yield* api.streams("status=connecting,active,inactive&limit=200")
  return new Map(streams.map(({ id, status, source_id, end_reason }) => [id, { status, source_id, end_reason }]))
})

export const disorderedHooks = (it: Vitest.MethodsNonLive<TestDeployment>): void => {
  it.effect("hooks that are doubled, late, reordered or forged change nothing, and lost ones are not missed", () =>
    Effect.gen(function* () {
      const { service } = yield* TestDeployment
      const gone = yield* goOnAir(yield* newKey(), "rtsp")
      yield* gone.encoder.kill
      yield* isOver(gone, "disconnected")
      const live = yield* goOnAir(gone.key, "rtsp")
      const free = yield* newKey()
      const revokedKey = yield* newKey()
      assert.strictEqual((yield* service.api.call("DELETE", `/stream-keys/${revokedKey.id}`)).status, 204)
      const before = yield* everything
      const [liveEvents, goneEvents] = [yield* eventsOf(live.stream.id), yield* eventsOf(gone.stream.id)]

      const of = (event: Hook["event"], path: string, sourceId: string, sourceType = "rtspSession"): Hook => ({
        event,
        path,
        sourceType,
        sourceId
      })
      const { path, source_id: now } = live.stream
      const { source_id: then } = gone.stream
      const hooks: ReadonlyArray<Hook> = [
        of("ready", path, now),
        of("ready", path, now),
        of("ready", path, then),
        of("not-ready", path, then),
        of("not-ready", path, now),
        of("not-ready", path, now, "rtmpConn"),
        of("not-ready", path, randomUUID()),
        of("not-ready", path, ""),
        of("ready", pathOf(free), randomUUID()),
        of("ready", pathOf(revokedKey), randomUUID()),
        of("not-ready", pathOf(revokedKey), now),
        of("ready", someName("nobody/knows"), randomUUID(), "srtConn"),
        of("not-ready", someName("nobody/knows"), now),
        of("ready", "../../etc/passwd", "'; drop table streams; --"),
        of("not-ready", "", now)
      ]
      for (const hook of [...hooks, ...hooks.toReversed()]) {
        // 400: what cannot be a path or an id of a media server.
        assert.oneOf((yield* sendHook(service, hook)).status, [204, 400], JSON.stringify(hook))
      }
      assert.strictEqual((yield* sendHook(service, hooks[4]!, "not the hook secret")).status, 401)
      yield* Effect.forEach([...hooks, ...hooks, ...hooks], (hook) => sendHook(service, hook), {
        concurrency: "unbounded"
      })
      yield* Effect.sleep(TWO_LOOKS)
      yield* sendHook(service, of("not-ready", path, now))

      yield* goesOn(live)
      assert.deepStrictEqual(yield* everything, before)
      assert.deepStrictEqual(yield* eventsOf(live.stream.id), liveEvents)
      assert.deepStrictEqual(yield* eventsOf(gone.stream.id), goneEvents)
      yield* goOnAir(free, "rtsp")
    })
  )
}
