/** Publishers over RTMPS and RTSPS: MediaMTX asks about them by the plain names, and keeps them in lists of their own. */
import { spawnSync } from "node:child_process"
import { afterAll, assert, describe, it, layer, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import {
  eventsOf,
  goOnAir,
  isOver,
  isRefused,
  isRefusedWith,
  newKey,
  revoked,
  TAKEN_OFF,
  unlisted
} from "../scenarios/acts.ts"
import { secrecy } from "../scenarios/secrecy.ts"
import { strangers } from "../scenarios/strangers.ts"
import { foreignEncrypted, measurements, openEncrypted } from "../worlds/realDeployments.ts"
import { missing } from "../worlds/realMediaMtx.ts"
import { targetOf } from "../worlds/Target.ts"
import { TestDeployment } from "../worlds/TestDeployment.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const
const protocols = ["rtmp", "rtsp"] as const
const sourceTypes = { rtmp: "rtmpsConn", rtsp: "rtspsSession" } as const

const absent = [...missing, ...(spawnSync("openssl", ["version"]).error === undefined ? [] : ["openssl"])]

const encrypted = (it: Vitest.MethodsNonLive<TestDeployment>, protocol: (typeof protocols)[number]): void => {
  const name = `${protocol}s`

  it.effect(`${name}: listed, its URLs play, killed and back at the first try, revoked and ended`, () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const first = yield* goOnAir(yield* newKey(), protocol)
      const { key, stream } = first
      assert.strictEqual(stream.source_type, sourceTypes[protocol])
      assert.isTrue(targetOf(key, protocol).url.startsWith(`${name}://`))
      assert.isTrue(stream.urls[protocol]?.startsWith(`${name}://`))
      const playable = [stream.urls.rtsp, stream.urls.rtmp, stream.urls.hls]
      const frames = yield* Effect.forEach(playable, (url) => deployment.framesAt(url ?? "none"), { concurrency: 3 })
      for (const read of frames) assert.isAbove(read, 0, playable.join(" "))
      yield* isRefused("a second encoder with the key", targetOf(key, protocol), "stream_key_in_use")

      yield* first.encoder.kill
      deployment.measure({
        what: "encoder killed to unlisted",
        of: name,
        promised: 5_000,
        millis: yield* unlisted(key, 5_000)
      })
      yield* isOver(first, "disconnected")
      const again = yield* goOnAir(key, protocol)

      const began = performance.now()
      const { status, millis } = yield* api.call("DELETE", `/stream-keys/${key.id}`)
      assert.oneOf(status, [202, 204])
      yield* again.encoder.ended
      const ended = performance.now() - began
      deployment.measure({ what: "revoke to its answer", of: name, promised: 2_500, millis })
      deployment.measure({ what: "revoke to encoder ended", of: name, promised: 1_000, millis: ended })
      yield* isOver(again, "revoked")
      assert.deepStrictEqual(yield* eventsOf(again.stream.id), TAKEN_OFF)
      yield* isRefusedWith(key, protocol, "stream_key_revoked")
      yield* revoked(key)
    })
  )
}

if (absent.length > 0) {
  console.warn(`RTMPS and RTSPS: not run, no ${absent.join(" and no ")} in PATH`)
  describe("RTMPS and RTSPS", () => it.skip("the scenarios", () => {}))
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  layer(foreignEncrypted, options)("Greenroom in front of a MediaMTX that speaks TLS alone", (it) => {
    describe.concurrent("publishers over TLS", () => {
      for (const protocol of protocols) encrypted(it, protocol)
    })
    secrecy(it)
  })

  layer(openEncrypted, options)("Greenroom in front of a MediaMTX that speaks TLS and asks nobody", (it) => {
    strangers(it, protocols)
  })
}
