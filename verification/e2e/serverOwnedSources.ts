/** What MediaMTX brings up by itself: sources that it pulls, redirects, commands on demand, paths that are always there. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { goesOn, goOnAir, isOver, listed, newBroadcaster, newKey } from "../scenarios/acts.ts"
import { Cluster } from "../worlds/Cluster.ts"
import { House, house } from "../worlds/realCluster.ts"
import { rtspClient } from "../worlds/rtspClient.ts"
import { targetOf } from "../worlds/Target.ts"
import { TestDeployment, waitFor } from "../worlds/TestDeployment.ts"

const isOurs = (path: string) => Object.values<string>(house).includes(path)

const SEVERAL_LOOKS = "3 seconds"

export const serverOwnedSources = (it: Vitest.MethodsNonLive<TestDeployment | Cluster | House>): void => {
  it.effect("what MediaMTX brings up by itself is left alone, and is no stream of anybody's", () =>
    Effect.gen(function* () {
      const { service } = yield* TestDeployment
      const media = yield* House
      const broadcaster = yield* newBroadcaster()
      const from = service.lines().length
      const origin = yield* goOnAir(yield* newKey({ broadcaster, path: house.origin }), "rtsp")
      const player = yield* rtspClient(media.address(house.pulled))
      assert.isTrue(yield* player.play)
      const waiting = yield* rtspClient(media.address(house.demand))
      yield* Effect.forkScoped(waiting.play)
      const redirected = yield* rtspClient(media.address(house.redirect))
      yield* Effect.forkScoped(redirected.play)

      const typeOf = (name: string) =>
        Effect.map(media.paths, (paths) => paths.find((path) => path.name === name && path.ready)?.source?.type)
      const pulled = Effect.map(typeOf(house.pulled), (type) => (type === "rtspSource" ? true : undefined))
      yield* waitFor("it pulls", pulled, 5_000)
      const before = yield* media.paths
      yield* Effect.sleep(SEVERAL_LOOKS)
      const after = yield* media.paths
      const shown = (paths: typeof before) =>
        paths.filter(({ name }) => isOurs(name)).map(({ name, ready, source }) => [name, ready, source?.type ?? null])
      assert.deepStrictEqual(shown(after), shown(before))
      assert.isFalse(player.hasEnded())
      const unended = yield* service.api.streams("status=connecting,active&limit=200")
      assert.deepStrictEqual(
        unended.filter(({ path }) => isOurs(path)).map(({ path }) => path),
        [house.origin]
      )

      // Its tracks have to be those that the path is configured with: H264 alone.
      const key = yield* newKey({ broadcaster, path: house.always })
      const encoder = yield* (yield* Cluster).stage.announce(targetOf(key, "rtsp"))
      yield* encoder.record
      const guest = { key, encoder, stream: (yield* listed(key)).value }
      yield* goesOn(guest)
      yield* guest.encoder.kill
      yield* isOver(guest, "disconnected")
      assert.isTrue((yield* media.paths).some(({ name }) => name === house.always))
      yield* goesOn(origin)
      const about = service
        .lines()
        .slice(from)
        .filter(({ path }) => path !== undefined && isOurs(path))
      for (const { message } of about) {
        assert.notInclude(["publisher kicked", "the path of a publisher that no list shows was reset"], message)
      }
    })
  )
}
