/** The worker that runs a command, with real processes: what it is given, how it is stopped, and that nothing of it stays behind. */
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { PipelineId, ProcessRef, WorkerOrder } from "@greenroom/core"
import { Deferred, type Duration, Effect, Fiber, Redacted } from "effect"
import { processesWith, program, until } from "../../../../verification/worlds/processes.ts"
import * as CommandWorker from "../../src/worker/CommandWorker.ts"
import type { WorkerCommand } from "../../src/worker/parseWorkerCommand.ts"
import { markOf } from "../../src/worker/processMark.ts"

const KEY = `sk_${"k".repeat(43)}`
let orders = 0

/** Each with an id that no other process has on its command line. */
const order = (): WorkerOrder => {
  const id = `worker-test-${process.pid}-${++orders}` as PipelineId
  return {
    id,
    input: Redacted.make(`rtsp://127.0.0.1:8554/live/${id}/in`),
    output: Redacted.make(`rtsp://worker:${KEY}@127.0.0.1:8554/live/${id}/out`),
    rtmpOutput: Redacted.make(`rtmp://127.0.0.1:1935/live/${id}/out?user=worker&pass=${KEY}`)
  }
}

const script = (code: string, ...args: ReadonlyArray<string>): WorkerCommand => [process.execPath, "-e", code, ...args]
const made = (command: WorkerCommand, stopGrace: Duration.Input = "500 millis") =>
  CommandWorker.make({ command, stopGrace })
const untold = () => Effect.void

/** A worker that has a process; `stop` interrupts it and says how long that took. */
const begun = Effect.fnUntraced(function* (command: WorkerCommand, stopGrace?: Duration.Input) {
  const work = order()
  const marked = yield* Deferred.make<ProcessRef>()
  const fiber = yield* Effect.forkScoped(
    made(command, stopGrace).run(work, (mark) => Effect.asVoid(Deferred.succeed(marked, mark)))
  )
  const mark = yield* Deferred.await(marked)
  const stop = Effect.gen(function* () {
    const before = performance.now()
    yield* Fiber.interrupt(fiber)
    return performance.now() - before
  })
  return { work, mark, fiber, stop }
})

/** A file to which each process of this id adds a character when it is up. */
const upFile = (id: string) => path.join(tmpdir(), id)
const isUp = `require("fs").appendFileSync(require("path").join(${JSON.stringify(tmpdir())}, process.argv[1] ?? "none"), "x");`

/** Returns when so many processes of the id are up. */
const areUp = (id: string, count: number) =>
  until(`${count} are up`, () => {
    try {
      return readFileSync(upFile(id)).length >= count
    } catch {
      return false
    }
  }).pipe(Effect.ensuring(Effect.sync(() => rmSync(upFile(id), { force: true }))))

const heldOpen = `setInterval(() => {}, 1000); ${isUp} process.stdout.write('up')`
const stubborn = `process.on("SIGTERM", () => {}); ${heldOpen}`
/** Starts another one, which has the id on its command line, too. */
const parentOf = (code: string) =>
  `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(code)}, process.argv[1]], { stdio: "inherit" });`

describe("a worker that runs a command", () => {
  it.live("gives it its URLs and its id, and nothing of our environment but the PATH", () =>
    Effect.gen(function* () {
      process.env.GREENROOM_TEST_SECRET = "secret of ours"
      const work = order()
      const code = `
        const { PATH, GREENROOM_TEST_SECRET } = process.env
        console.error(JSON.stringify([process.argv.slice(1).map((arg) => arg.length), !!PATH, GREENROOM_TEST_SECRET ?? null]))
        process.exit(3)`
      const command = script(code, "{input}", "{output}", "{rtmp_output}", "id={stream_id}", "a b")
      const reason = yield* made(command).run(work, untold)
      const lengths = [
        Redacted.value(work.input),
        Redacted.value(work.output),
        Redacted.value(work.rtmpOutput),
        `id=${work.id}`,
        "a b"
      ]
      assert.strictEqual(reason, `exit code 3: ${JSON.stringify([lengths.map((text) => text.length), true, null])}`)
      delete process.env.GREENROOM_TEST_SECRET
    })
  )

  it.live("starts nothing when the command would read the id as an option", () =>
    Effect.gen(function* () {
      const work = { ...order(), id: "-x" as PipelineId }
      let started = 0
      const count = () => Effect.sync(() => void started++)
      const reason = yield* made(script("process.exit(7)", "{output}", "{stream_id}")).run(work, count)
      assert.match(reason, /^it was not started: its id begins with -/)
      assert.strictEqual(started, 0)
      assert.match(
        yield* made(script("process.exit(7)", "{output}", "id={stream_id}")).run(work, count),
        /^exit code 7/
      )
    })
  )

  it.live("says why it ended, in one line of its last words without credentials", () =>
    Effect.gen(function* () {
      const says = (code: string) => made(script(code, "{output}", "{rtmp_output}")).run(order(), untold)
      const urls = yield* says(
        "console.error('first'); console.error(process.argv[1] + ' ' + process.argv[2] + ': 404'); process.exit(1)"
      )
      assert.notInclude(urls, KEY)
      assert.notInclude(urls, "worker:")
      assert.match(urls, /^exit code 1: rtsp:\/\/127\.0\.0\.1:8554\/live\/\S+ rtmp:\/\/\S+pass=… 404$/)
      assert.strictEqual(yield* says(`console.error(${JSON.stringify(KEY)})`), "exit code 0: sk_kkkk…")
      assert.strictEqual(yield* says("process.kill(process.pid, 'SIGKILL')"), "killed by SIGKILL")
      assert.strictEqual(yield* says("process.stderr.write('a\\x1b[31mb\\x07c')"), "exit code 0: a [31mb c")
    })
  )

  it.live("keeps a little of whatever it prints", () =>
    Effect.gen(function* () {
      const flood =
        "for (let i = 0; i < 400; i++) require('fs').writeSync(2, 'x'.repeat(65536)); console.error('\\nend')"
      const before = process.memoryUsage().rss
      assert.strictEqual(yield* made(script(flood)).run(order(), untold), "exit code 0: end")
      assert.isBelow(process.memoryUsage().rss - before, 64 * 1024 * 1024)
      const long = yield* made(script("process.stderr.write('y'.repeat(1e6))")).run(order(), untold)
      assert.isAtMost(long.length, 320)
    })
  )

  it.live("says so when there is no such program", () =>
    Effect.gen(function* () {
      const reason = yield* made(["greenroom-no-such-program", "{output}"]).run(order(), untold)
      assert.match(reason, /^exit code 127: .*not found/)
      const installed = (program: string) => CommandWorker.isInstalled({ command: [program] })
      assert.isFalse(yield* installed("greenroom-no-such-program"))
      assert.isFalse(yield* installed("/etc/passwd"))
      assert.isFalse(yield* installed("/"))
      assert.isTrue(yield* installed("sh"))
      assert.isTrue(yield* installed(process.execPath))
    })
  )

  it.live("is told to stop, and is gone when the interruption returns", () =>
    Effect.gen(function* () {
      const { work, stop } = yield* begun(script(heldOpen, "{stream_id}"), "1 minute")
      yield* areUp(work.id, 1)
      assert.isBelow(yield* stop, 50_000, "it is not killed at the end of the grace")
      // Its guard's watcher was told to end, too, and takes a moment on a busy machine.
      const itself = processesWith(work.id).filter(({ command }) => !command.includes("greenroom-guard"))
      assert.deepStrictEqual(itself, [])
      yield* until("nothing is left", () => processesWith(work.id).length === 0)
    })
  )

  it.live("is killed with all that it started when it does not stop within the grace", () =>
    Effect.gen(function* () {
      const { work, stop } = yield* begun(script(parentOf(stubborn) + stubborn, "{stream_id}"))
      yield* areUp(work.id, 2)
      assert.isAtLeast(yield* stop, 450)
      yield* until("nothing is left", () => processesWith(work.id).length === 0)
    })
  )

  it.live("leaves nothing that it started, when it is told to stop and does so at once", () =>
    Effect.gen(function* () {
      const { work, stop } = yield* begun(script(parentOf(stubborn) + heldOpen, "{stream_id}"))
      yield* areUp(work.id, 2)
      yield* stop
      yield* until("nothing is left", () => processesWith(work.id).length === 0)
    })
  )

  it.live("leaves nothing that it started, when it ends by itself", () =>
    Effect.gen(function* () {
      const work = order()
      const file = JSON.stringify(upFile(work.id))
      const ends = `setInterval(() => { if (require("fs").existsSync(${file})) process.exit(3) }, 20)`
      const code = `${parentOf(stubborn)} ${ends}; process.stdout.write("last words\\n")`
      assert.match(yield* made(script(code, "{stream_id}")).run(work, untold), /^exit code 3/)
      yield* areUp(work.id, 1)
      yield* until("nothing is left", () => processesWith(work.id).length === 0)
    })
  )

  it.live("does not outlive a service that is killed, nor does what it started", () =>
    Effect.gen(function* () {
      for (const [name, code] of Object.entries({ alone: heldOpen, parent: parentOf(stubborn) + heldOpen })) {
        const id = `worker-held-${name}-${process.pid}`
        const command = JSON.stringify([process.execPath, "-e", code, id, "{output}"])
        const held = yield* program(new URL("fixtures/holdWorker.ts", import.meta.url), [command])
        const mark: ProcessRef = JSON.parse(yield* Effect.promise(() => held.says("ready")))
        const workers = () => processesWith(id).filter(({ command: line }) => !line.includes("holdWorker"))
        yield* areUp(id, name === "alone" ? 1 : 2)
        assert.strictEqual(mark.host, hostname())
        process.kill(held.pid, "SIGKILL")
        yield* until("nothing is left", () => workers().length === 0)
      }
    })
  )
})

/** A process of its own group, as a guard is: what a crash could leave. */
const leftBehind = (code: string) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<ChildProcess>((resolve) => {
          const child = spawn(process.execPath, ["-e", code], { detached: true, stdio: ["ignore", "pipe", "ignore"] })
          child.stdout.once("data", () => resolve(child))
        })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

describe("what a former instance left behind", () => {
  const worker = made(script(""))

  it.live("is ended by its mark, also when it does not want to", () =>
    Effect.gen(function* () {
      for (const code of [heldOpen, stubborn]) {
        const child = yield* leftBehind(code)
        const mark = (yield* markOf(child.pid!))!
        assert.strictEqual(yield* worker.end(mark), "ended")
        yield* until("it has ended", () => ended(child))
        assert.strictEqual(yield* worker.end(mark), "gone")
      }
    })
  )

  it.live("is left alone when the pid is another process by now, or the mark another machine's", () =>
    Effect.gen(function* () {
      const child = yield* leftBehind(heldOpen)
      const mark = (yield* markOf(child.pid!))!
      assert.strictEqual(yield* worker.end({ ...mark, startedAt: `${mark.startedAt}1` }), "gone")
      assert.strictEqual(yield* worker.end({ ...mark, host: `not-${mark.host}` }), "elsewhere")
      for (const pid of [0, 1, -1, Number.NaN, 1.5]) {
        assert.strictEqual(yield* worker.end({ ...mark, pid }), "gone")
      }
      yield* Effect.sleep(100)
      assert.isFalse(ended(child))
    })
  )

  it.live("has a mark that tells two processes apart", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* leftBehind(heldOpen), yield* leftBehind(heldOpen)]
      const [first, again, second] = [yield* markOf(one.pid!), yield* markOf(one.pid!), yield* markOf(other.pid!)]
      assert.deepStrictEqual(first, again)
      assert.notDeepEqual(first, second)
      assert.isNull(yield* markOf(2 ** 22 + 1))
    })
  )
})
