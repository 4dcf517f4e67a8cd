/** Which user workers run as: what is chosen, what stops the start, and that a worker of a service that root started has another. */
import { userInfo } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { MediaWorker, type PipelineId } from "@greenroom/core"
import { Effect, Layer, Redacted, Result } from "effect"
import * as Workers from "../../src/composition/mediaWorkers.ts"
import { chooseWorkerUser, DEFAULT_WORKER_USER, WorkerUser } from "../../src/composition/workerUser.ts"
import { Settings, type Variables } from "../../src/config/Settings.ts"

const isRoot = process.getuid?.() === 0
const inRoot = isRoot ? it.live : it.live.skip
const needsRoot = isRoot ? "" : " (skipped: only root can start a process as another user)"
const another = { uid: 1001, gid: 1002 }

describe("the user of media workers", () => {
  it("is another than root, and the one that was asked for; without root there is no choice", () => {
    const success = (asked: typeof another | undefined, own: number) => Result.getOrThrow(chooseWorkerUser(asked, own))
    assert.deepStrictEqual(success(undefined, 0), { _tag: "Another", as: DEFAULT_WORKER_USER })
    assert.notInclude([0, 65534], DEFAULT_WORKER_USER.uid)
    assert.deepStrictEqual(success(another, 0), { _tag: "Another", as: another })
    assert.deepStrictEqual(success({ uid: 0, gid: 0 }, 0), { _tag: "Ours", asked: true })
    assert.deepStrictEqual(success(undefined, 1000), { _tag: "Ours", asked: false })
    assert.deepStrictEqual(success({ uid: 1000, gid: 1000 }, 1000), { _tag: "Ours", asked: true })
    const databases = chooseWorkerUser({ uid: 65526, gid: 65526 }, 0)
    assert.isTrue(Result.isFailure(databases), "a worker must not be the embedded database's user")
    const refused = chooseWorkerUser(another, 1000)
    assert.isTrue(Result.isFailure(refused))
    if (Result.isFailure(refused)) assert.include(refused.failure, "only root")
  })

  const chosen = (settings: Variables) =>
    Effect.gen(function* () {
      return yield* WorkerUser
    }).pipe(Effect.provide(WorkerUser.layer.pipe(Layer.provide(Layer.succeed(Settings, settings)))))

  it.live("is found by its name, and one that is not there stops the start", () =>
    Effect.gen(function* () {
      const { username } = userInfo()
      const named = (name: string): Variables => ({ WORKERS: "on", WORKER_USER: { _tag: "Named", name } })
      assert.deepStrictEqual(yield* chosen(named(username)), { _tag: "Ours", asked: true })
      const failed = yield* Effect.flip(chosen(named("greenroom-no-such-user")))
      assert.include(failed.message, "WORKER_USER")
      assert.include(failed.message, "there is no user greenroom-no-such-user")
      const off: Variables = { ...named("greenroom-no-such-user"), WORKERS: "off" }
      assert.deepStrictEqual(yield* chosen(off), { _tag: "Ours", asked: false })
    })
  )
})

describe(`a worker of a service that root started${needsRoot}`, () => {
  const run = (settings: Variables) =>
    Effect.gen(function* () {
      const { run } = yield* MediaWorker
      const url = Redacted.make("rtsp://worker:key@127.0.0.1:1/live/a/out")
      const order = {
        id: "a" as PipelineId,
        input: Redacted.make("rtsp://127.0.0.1:1/live/a/in"),
        output: url,
        rtmpOutput: url
      }
      return yield* run(order, () => Effect.void)
    }).pipe(Effect.provide(Workers.layer.pipe(Layer.provide(Layer.succeed(Settings, settings)))))

  inRoot("has a user of its own without any setting, and the one that is set", () =>
    Effect.gen(function* () {
      const settings: Variables = {
        WORKERS: "on",
        WORKER_COMMAND: [
          "/bin/sh",
          "-c",
          'echo "$(id -u) $(id -g)" $(cat "/proc/$0/environ" 2>&1 >/dev/null)',
          `${process.pid}`
        ]
      }
      const read = process.platform === "linux" ? `.*/proc/${process.pid}/environ: Permission denied` : ".*"
      assert.match(yield* run(settings), new RegExp(`^exit code 0: 65527 65527 ${read}`))
      const set: Variables = { ...settings, WORKER_USER: { _tag: "Numbered", ...another } }
      assert.match(yield* run(set), new RegExp(`^exit code 0: 1001 1002 ${read}`))
    })
  )
})
