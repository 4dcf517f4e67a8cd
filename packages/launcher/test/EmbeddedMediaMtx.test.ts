/** Supervision, shown with scripts in the place of MediaMTX: started again, stopped, killed, heard, and never left behind. */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect } from "effect"
import { isAlive, processesWith, program, temporaryFolder, until } from "../../../verification/worlds/processes.ts"
import * as EmbeddedMediaMtx from "../src/EmbeddedMediaMtx.ts"
import { authAt, collected, secret } from "./mediaMtx.ts"

const key = `sk_${"k".repeat(43)}`
const announce = 'echo "2026/11/21 03:51:03 INF [API] started with listener on 127.0.0.1:9997 (TCP/HTTP)"'
const lingers = "while :; do sleep 0.05; done"

/** A script in the place of the binary; it notes each start in `starts`, with milliseconds. */
const scripted = Effect.fnUntraced(function* (body: string, stopGrace: Duration.Input = "300 millis") {
  const folder = yield* temporaryFolder
  const binary = path.join(folder, "mediamtx")
  const starts = path.join(folder, "starts")
  const text = `#!/bin/sh\necho "$$ $(date +%s%N)" >> ${starts}\n${body}\n`
  yield* Effect.promise(() => fs.writeFile(binary, text, { mode: 0o755 }))
  const started = async () =>
    (await fs.readFile(starts, "utf8").catch(() => ""))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" "))
      .map(([pid, nanos]) => ({ pid: Number(pid), millis: Number(nanos) / 1e6 }))
  const log = collected()
  const make = EmbeddedMediaMtx.make({
    binary: { path: binary, origin: "MEDIAMTX_BIN", version: null },
    directory: path.join(folder, "data"),
    auth: authAt(8080),
    stopGrace,
    upAfter: "1 minute"
  }).pipe(Effect.provide(log.layer))
  return { folder, binary, started, make, log }
})

const pausesBetween = (starts: ReadonlyArray<{ readonly millis: number }>) =>
  starts.slice(1).map(({ millis }, index) => millis - starts[index]!.millis)

describe("supervision", { concurrent: true }, () => {
  it.live("what exits is started again, after pauses that grow to one second at most", () =>
    Effect.gen(function* () {
      const { started, make, log } = yield* scripted("echo 'ERR: no'; exit 3")
      const server = yield* make
      yield* until("it was started eight times", async () => (await started()).length >= 8)
      const pauses = pausesBetween(yield* Effect.promise(started))
      pauses.forEach((pause, index) => {
        assert.isAtLeast(pause, Math.min(100 * 2 ** index, 1000) * 0.9)
      })
      // The seventh would have grown to 6.4 s; a busy machine takes its time for each start.
      assert.isBelow(pauses[6]!, 5_000)
      assert.isFalse(yield* server.running)
      assert.deepStrictEqual(yield* server.lastExit, { how: "exit code 3", error: "no", portInUse: null })
      const told = log.lines.filter(({ message }) => message === "the media server does not start: exit code 3: no")
      assert.deepStrictEqual(
        told.map(({ level }) => level),
        ["Error", ...Array(told.length - 1).fill("Debug")]
      )
      const own = log.lines.filter(({ message }) => message === "mediamtx: no")
      assert.isAtLeast(own.length, 7)
      assert.deepStrictEqual(
        own.map(({ level }) => level),
        ["Info", ...Array(own.length - 1).fill("Debug")]
      )
    })
  )

  it.live("once it was up, the next start does not wait for long", () =>
    Effect.gen(function* () {
      const { started, make, log } = yield* scripted(`${announce}; sleep 0.15; kill -9 $$`)
      yield* make
      yield* until("it was started twelve times", async () => (await started()).length >= 12)
      const pauses = pausesBetween(yield* Effect.promise(started))
      // Had they grown, none of these would be below a second.
      assert.isBelow(Math.min(...pauses.slice(4)), 1_000)
      assert.isTrue(log.has("the media server stopped and is started again: killed by SIGKILL"))
    })
  )

  it.live("it is running once it says that its API listens, and not any more when it is gone", () =>
    Effect.gen(function* () {
      const { folder, started, make } = yield* scripted(
        `[ -e go ] && exit 1; while [ ! -e ready ]; do sleep 0.02; done; ${announce}; ${lingers}`
      )
      const server = yield* make
      yield* until("it was started", async () => (await started()).length === 1)
      assert.isFalse(yield* server.running)
      yield* Effect.promise(() => fs.writeFile(path.join(folder, "data", "ready"), ""))
      yield* until("it is running", () => Effect.runPromise(server.running))
      yield* Effect.promise(() => fs.writeFile(path.join(folder, "data", "go"), ""))
      const [first] = yield* Effect.promise(started)
      process.kill(first!.pid, "SIGKILL")
      yield* until("it is not running", async () => !(await Effect.runPromise(server.running)))
      assert.strictEqual((yield* server.lastExit)?.how ?? "killed by SIGKILL", "killed by SIGKILL")
    })
  )

  it.live("a binary that is not there any more is reported, and tried again", () =>
    Effect.gen(function* () {
      const { binary, make, log } = yield* scripted("exit 0")
      yield* Effect.promise(() => fs.rm(binary))
      const server = yield* make
      yield* until("an exit is told", async () => (await Effect.runPromise(server.lastExit)) !== null)
      assert.strictEqual((yield* server.lastExit)?.how, "exit code 127")
      assert.isTrue(log.lines.some(({ level, message }) => level === "Error" && message.includes("does not start")))
    })
  )

  it.live("a folder that cannot be made is an error at once", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => fs.writeFile(path.join(folder, "file"), ""))
      const failed = yield* Effect.flip(
        EmbeddedMediaMtx.make({
          binary: { path: "/bin/true", origin: "PATH", version: null },
          directory: path.join(folder, "file", "data"),
          auth: authAt(8080)
        })
      )
      assert.strictEqual(failed.reason, "storage")
    })
  )

  const byVersion: ReadonlyArray<
    readonly [version: string | null, has: ReadonlyArray<string>, hasNot: ReadonlyArray<string>]
  > = [
    ["v1.9.3", ["protocols", "encryption", "apiAllowOrigin", "runOnReady"], ["rtspTransports", "moq"]],
    ["v1.11.0", ["rtspTransports", "rtspEncryption", "apiAllowOrigin", "runOnReady"], ["protocols", "moq"]],
    ["v1.15.4", ["rtspTransports", "apiAllowOrigins", "runOnReady"], ["apiAllowOrigin", "moq"]],
    ["v1.19.0", ["apiAllowOrigins", "moq", "runOnReady"], ["runOnAvailable"]],
    ["v1.19.3", ["apiAllowOrigins", "moq", "runOnAvailable"], ["runOnReady"]],
    [null, ["apiAllowOrigins", "moq", "runOnAvailable"], ["runOnReady"]]
  ]
  it.live.each(byVersion)("gets the settings that it knows: %s", ([version, has, hasNot]) =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* EmbeddedMediaMtx.make({
        binary: { path: "/bin/true", origin: "PATH", version },
        directory: folder,
        auth: authAt(8080)
      }).pipe(Effect.provide(collected().layer))
      const text = yield* Effect.promise(() => fs.readFile(path.join(folder, "mediamtx.json"), "utf8"))
      for (const name of has) assert.include(text, `"${name}":`)
      for (const name of hasNot) assert.notInclude(text, `"${name}":`)
    })
  )
})

describe("closing the scope", { concurrent: true }, () => {
  it.live("asks it to stop, and waits until it has", () =>
    Effect.gen(function* () {
      const { folder, binary, started, make, log } = yield* scripted(
        `trap 'sleep 0.1; echo done > finished; exit 0' TERM; : > ready; ${lingers}`,
        "1 minute"
      )
      const isReady = () =>
        fs.access(path.join(folder, "data", "ready")).then(
          () => true,
          () => false
        )
      yield* Effect.scoped(Effect.andThen(make, until("it is ready to be stopped", isReady)))
      assert.strictEqual(
        yield* Effect.promise(() => fs.readFile(path.join(folder, "data", "finished"), "utf8")),
        "done\n"
      )
      assert.deepStrictEqual(processesWith(binary), [])
      assert.strictEqual(log.lines.at(-1)?.message, "the media server was stopped")
      assert.strictEqual((yield* Effect.promise(started)).length, 1)
    })
  )

  it.live("kills what does not stop in time, and what that has started", () =>
    Effect.gen(function* () {
      const { folder, binary, started, make } = yield* scripted(
        "trap '' TERM; sleep 61 & echo $! > child; while :; do sleep 0.05; done"
      )
      const child = () => fs.readFile(path.join(folder, "data", "child"), "utf8").catch(() => "")
      yield* Effect.scoped(
        Effect.andThen(
          make,
          until("it is at work", async () => (await child()) !== "")
        )
      )
      assert.deepStrictEqual(processesWith(binary), [])
      const [first] = yield* Effect.promise(started)
      assert.isFalse(isAlive(first!.pid))
      assert.isFalse(isAlive(Number(yield* Effect.promise(child))))
    })
  )

  it.live("kills a guard that is frozen itself", () =>
    Effect.gen(function* () {
      const { binary, started, make } = yield* scripted(lingers)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* make
          yield* until("it was started", async () => (await started()).length === 1)
          for (const { pid } of processesWith(binary)) process.kill(pid, "SIGSTOP")
        })
      )
      assert.deepStrictEqual(processesWith(binary), [])
    })
  )

  it.live("ends a pause between two starts", () =>
    Effect.gen(function* () {
      const { started, make } = yield* scripted("exit 1")
      yield* Effect.scoped(
        Effect.andThen(
          make,
          until("three starts", async () => (await started()).length >= 3)
        )
      )
      const before = (yield* Effect.promise(started)).length
      yield* Effect.sleep(900)
      assert.strictEqual((yield* Effect.promise(started)).length, before)
    })
  )
})

describe("killed with SIGKILL", { concurrent: true }, () => {
  it.live("our process takes the media server with it, even one that does not want to go", () =>
    Effect.gen(function* () {
      const { folder, binary, started } = yield* scripted(`trap '' TERM; ${announce}; ${lingers}`)
      const data = path.join(folder, "held")
      const holder = yield* program(new URL("fixtures/holdMediaMtx.ts", import.meta.url), [
        binary,
        data,
        "1,2,3,4,5,6,7"
      ])
      yield* Effect.promise(() => holder.says("ready"))
      process.kill(holder.pid, "SIGKILL")
      yield* until("nothing of it is left", () => processesWith(binary).length === 0)
      assert.strictEqual((yield* Effect.promise(started)).length, 1)
    })
  )
})

describe("what it prints", { concurrent: true }, () => {
  it.live("is logged quietly, warnings and errors louder; keys, secrets and endless lines are not", () =>
    Effect.gen(function* () {
      const { make, log } = yield* scripted(
        [
          `echo "2026/11/21 03:51:03 INF [RTMP] publishing to 'live?pass=${key}'"`,
          `echo "2026/11/21 03:51:03 WAR [RTMP] odd" >&2`,
          `echo "2026/11/21 03:51:03 ERR Post http://mediamtx:${encodeURIComponent(secret)}@127.0.0.1: no '${secret}'"`,
          "head -c 300000 /dev/zero | tr '\\0' x; echo",
          'echo "[$API_SECRET][$(echo "$GREENROOM_TEST")]"',
          "echo the end",
          lingers
        ].join("\n")
      )
      process.env.GREENROOM_TEST = "inherited"
      yield* make
      yield* until("all of it was heard", () => log.has("the end"))
      delete process.env.GREENROOM_TEST
      const heard = log.lines.filter(({ message }) => message.startsWith("mediamtx: "))
      assert.sameDeepMembers(heard, [
        { level: "Debug", message: "mediamtx: [RTMP] publishing to 'live?pass=sk_<redacted>'" },
        { level: "Info", message: "mediamtx: [RTMP] odd" },
        { level: "Info", message: "mediamtx: Post http://mediamtx:<redacted>@127.0.0.1: no '<redacted>'" },
        { level: "Debug", message: `mediamtx: ${"x".repeat(1000)}` },
        { level: "Debug", message: "mediamtx: [][]" },
        { level: "Debug", message: "mediamtx: the end" }
      ])
    })
  )
})
