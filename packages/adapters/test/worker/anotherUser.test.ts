/**
 * A worker that runs as another user than the service, with real processes: what it may read of us, and that it is stopped, killed
 * and left behind by nothing, all the same. Only root can start a process as another user.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { PipelineId, ProcessRef, WorkerOrder } from "@greenroom/core"
import { Deferred, Effect, Fiber, Redacted } from "effect"
import { isRoot, processesWith, program, temporaryFolder, until } from "../../../../verification/worlds/processes.ts"
import * as CommandWorker from "../../src/worker/CommandWorker.ts"
import type { WorkerCommand } from "../../src/worker/parseWorkerCommand.ts"

const another = { uid: 65527, gid: 65527 }
const test = isRoot ? it.live : it.live.skip
const needsRoot = isRoot ? "" : " (skipped: only root can start a process as another user)"

const order = (): WorkerOrder => {
  const id = `another-user-${randomBytes(6).toString("hex")}` as PipelineId
  const url = Redacted.make("rtsp://worker:key@127.0.0.1:1/live/a/out")
  return { id, input: url, output: url, rtmpOutput: url }
}

/** Run by a shell, which every user may run; its last line is how the worker ended. */
const shell = (script: string, ...args: ReadonlyArray<string>): WorkerCommand => ["/bin/sh", "-c", script, ...args]
const made = (command: WorkerCommand, as?: typeof another) =>
  CommandWorker.make({ command, as, stopGrace: "500 millis" })

/** What the script prints in its last line. */
const lastLine = (command: WorkerCommand, as?: typeof another) =>
  Effect.map(
    made(command, as).run(order(), () => Effect.void),
    (reason) => reason.replace(/^exit code 0: /, "")
  )

/** One word a file: `read`, or `denied` when the kernel refuses it. */
const tryEach = `
for file; do
  if problem=$(cat "$file" 2>&1 >/dev/null); then result="$result read"
  else case $problem in *"Permission denied"*) result="$result denied";; *) result="$result $problem";; esac; fi
done
echo $result`

describe(`a worker of another user${needsRoot}`, () => {
  test("reads neither our environment and memory nor our secrets; a worker of our own user reads all of it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const secret = path.join(folder, "api-secret")
      yield* Effect.promise(() => fs.writeFile(secret, "secret\n", { mode: 0o600 }))
      const ours = ["environ", "maps"].map((name) => `/proc/${process.pid}/${name}`)
      const files = [secret, ...(process.platform === "linux" ? ours : [])]
      const probe = shell(tryEach, "sh", ...files)
      assert.strictEqual(yield* lastLine(probe, another), files.map(() => "denied").join(" "))
      assert.strictEqual(yield* lastLine(probe), files.map(() => "read").join(" "))
    }))

  test("has its own user and group and no other group, nothing of our environment, and no file that we have open", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* lastLine(shell("echo $(id -u) $(id -g) $(id -G)"), another), "65527 65527 65527")
      const names = yield* lastLine(shell("echo $(env | sed 's/=.*//' | sort)"), another)
      // What the shell sets by itself.
      assert.deepStrictEqual(
        names.split(" ").filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name)),
        ["PATH"]
      )
      if (process.platform === "linux") {
        const secret = path.join(yield* temporaryFolder, "secret-that-is-open")
        const open = yield* Effect.promise(() => fs.open(secret, "w+", 0o600))
        const seen = yield* lastLine(shell("ls -l /proc/self/fd | grep -c 'secret-that-is-open'; :"), another)
        yield* Effect.promise(() => open.close())
        assert.strictEqual(seen, "0")
      }
    }))

  test("is found on the PATH only when its user may run it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = path.join(folder, "program")
      yield* Effect.promise(() => fs.writeFile(file, "#!/bin/sh\n", { mode: 0o700 }))
      assert.isTrue(yield* CommandWorker.isInstalled({ command: [file] }))
      assert.isFalse(yield* CommandWorker.isInstalled({ command: [file], as: another }))
      assert.isTrue(yield* CommandWorker.isInstalled({ command: ["sh"], as: another }))
    }))

  test("ends with its interruption, also when it does not want to", () =>
    Effect.gen(function* () {
      for (const script of ["sleep 60", "trap '' TERM; sleep 60; sleep 60"]) {
        const work = order()
        const marked = yield* Deferred.make<ProcessRef>()
        const started = (mark: ProcessRef) => Effect.asVoid(Deferred.succeed(marked, mark))
        const fiber = yield* Effect.forkScoped(made(shell(script, "{stream_id}"), another).run(work, started))
        yield* Deferred.await(marked)
        yield* until("it is up", () => processesWith(work.id).length >= 2)
        yield* Fiber.interrupt(fiber)
        yield* until("nothing is left", () => processesWith(work.id).length === 0)
      }
    }))

  test("does not outlive a service that is killed, and a successor ends one that did", () =>
    Effect.gen(function* () {
      const work = order()
      const command = JSON.stringify(["/bin/sh", "-c", "sleep 60", work.id, "{output}"])
      const held = yield* program(new URL("fixtures/holdWorker.ts", import.meta.url), [
        command,
        JSON.stringify(another)
      ])
      const mark: ProcessRef = JSON.parse(yield* Effect.promise(() => held.says("ready")))
      const workers = () => processesWith(work.id).filter(({ command: line }) => !line.includes("holdWorker"))
      yield* until("it is up", () => workers().length >= 2)
      assert.strictEqual(yield* made(shell(""), another).end(mark), "ended")
      yield* until("nothing is left", () => workers().length === 0)

      const second = yield* program(new URL("fixtures/holdWorker.ts", import.meta.url), [
        command,
        JSON.stringify(another)
      ])
      yield* Effect.promise(() => second.says("ready"))
      yield* until("it is up", () => workers().length >= 2)
      process.kill(second.pid, "SIGKILL")
      yield* until("nothing is left", () => workers().length === 0)
    }))

  test("is left to others by a successor that may not end it", () =>
    Effect.gen(function* () {
      const work = order()
      const command = JSON.stringify(["/bin/sh", "-c", "sleep 60", work.id, "{output}"])
      const held = yield* program(new URL("fixtures/holdWorker.ts", import.meta.url), [
        command,
        JSON.stringify(another)
      ])
      const mark = yield* Effect.promise(() => held.says("ready"))
      const stranger = yield* program(new URL("fixtures/endWorker.ts", import.meta.url), [mark], {
        uid: 65528,
        gid: 65528
      })
      assert.strictEqual(yield* Effect.promise(() => stranger.says("answered")), "elsewhere")
    }))
})
