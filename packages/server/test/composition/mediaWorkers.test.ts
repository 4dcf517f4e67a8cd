/** Where workers reach the media server, from the settings, and what is told of their program. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { collector } from "../../../core/test/support/logs.ts"
import { logMissingProgram, workerAddresses } from "../../src/composition/mediaWorkers.ts"

const own = { rtsp: "rtsp://127.0.0.1:18554", rtmp: "rtmp://127.0.0.1:11935" }
const nowhere = { rtsp: null, rtmp: null }

describe("workers reach the media server", () => {
  it("where it was started", () => {
    assert.deepStrictEqual(workerAddresses({}, own), own)
  })

  it("on the host of its control API when it is somebody else's", () => {
    assert.deepStrictEqual(workerAddresses({ MEDIAMTX_API_URL: "http://mediamtx:9997" }, nowhere), {
      rtsp: "rtsp://mediamtx:8554",
      rtmp: "rtmp://mediamtx:1935"
    })
    assert.strictEqual(workerAddresses({ MEDIAMTX_API_URL: "http://[::1]:9997" }, nowhere).rtsp, "rtsp://[::1]:8554")
  })

  it("where they are told to, whatever else is known", () => {
    const told = { MEDIAMTX_RTSP_URL: "rtsp://inside:8554", MEDIAMTX_RTMP_URL: "rtmp://inside:1935" }
    for (const settings of [told, { ...told, MEDIAMTX_API_URL: "http://mediamtx:9997" }]) {
      assert.deepStrictEqual(workerAddresses(settings, own), { rtsp: "rtsp://inside:8554", rtmp: "rtmp://inside:1935" })
    }
  })
})

describe("the workers' program", () => {
  it.effect("is told of at the start when it is not there, and only then", () =>
    Effect.gen(function* () {
      const log = collector()
      const commands = [
        ["sh", "{output}"],
        ["no-such-program", "{output}"],
        ["/no/such/program", "{output}"]
      ] as const
      yield* Effect.forEach(commands, (command) => logMissingProgram({ command })).pipe(Effect.provide(log.layer))
      assert.deepStrictEqual(
        log.said(),
        ["no-such-program", "/no/such/program"].map(
          (program) => `WARN workers are on, but their program is not there: ${program} (WORKER_COMMAND, PATH)`
        )
      )
    })
  )
})
