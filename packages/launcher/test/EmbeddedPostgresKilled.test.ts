/** What is left of a private PostgreSQL after every kind of kill: its data, and nothing else. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  isAlive,
  isRoot,
  processes,
  processesWith,
  program,
  temporaryFolder,
  until
} from "../../../verification/worlds/processes.ts"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { clusters, databaseUser, gone, insert, kill, serverPid } from "./cluster.ts"
import { countRows, runSql } from "./sql.ts"

const { cluster } = clusters()

describe("killed", { concurrent: true }, () => {
  it.live("when its process is killed, the server stops by itself and nothing committed is lost", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const holder = yield* program(new URL("fixtures/holdPostgres.ts", import.meta.url), [directory])
      assert.strictEqual(yield* Effect.promise(() => holder.says("ready")), "2")
      const pid = yield* Effect.promise(() => serverPid(directory))
      yield* kill(holder.pid)
      yield* gone(pid)
      yield* until("no guard is left", () => processesWith(directory).length === 0)
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.strictEqual(yield* countRows(server), 2)
    })
  )

  it.live("a start right after the kill does not wait for anybody to clean up", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const holder = yield* program(new URL("fixtures/holdPostgres.ts", import.meta.url), [directory])
      yield* Effect.promise(() => holder.says("ready"))
      yield* kill(holder.pid)
      yield* gone(holder.pid)
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.strictEqual(yield* countRows(server), 2)
    })
  )

  it.live("a server whose process and guard were both killed is stopped by the next start", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const holder = yield* program(new URL("fixtures/holdPostgres.ts", import.meta.url), [directory])
      yield* Effect.promise(() => holder.says("ready"))
      const orphan = yield* Effect.promise(() => serverPid(directory))
      const listed = processes()
      const guard = listed.find(({ pid }) => pid === orphan)!.parent
      const watch = listed.filter(({ parent, pid }) => parent === guard && pid !== orphan).map(({ pid }) => pid)
      assert.strictEqual(watch.length, 1)
      yield* kill(...watch, guard, holder.pid)
      yield* gone(holder.pid)
      assert.isTrue(isAlive(orphan))
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.isFalse(isAlive(orphan))
      assert.strictEqual(yield* countRows(server), 2)
    })
  )

  it.live("`exited` tells that the server was killed, and the data survives that too", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const how = yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* EmbeddedPostgres.make({ directory })
          yield* insert(server)
          yield* kill(yield* Effect.promise(() => serverPid(directory)))
          return yield* server.exited
        })
      )
      assert.strictEqual(how, "killed by SIGKILL")
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.strictEqual(yield* countRows(server), 2)
    })
  )

  it.live("a pid file that names another program of the same user stops nobody and nothing", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const as = isRoot ? { uid: databaseUser, gid: databaseUser } : {}
      const bystander = yield* Effect.acquireRelease(
        Effect.sync(() => spawn("sleep", ["60"], { stdio: "ignore", cwd: "/", ...as })),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      const lock = `${bystander.pid}\n${path.join(directory, "data")}\n1700000000\n5432\n${directory}\n`
      for (const file of [path.join("data", "postmaster.pid"), path.join("socket", ".s.PGSQL.5432.lock")]) {
        yield* Effect.promise(() => fs.writeFile(path.join(directory, file), lock))
        if (isRoot) yield* Effect.promise(() => fs.chown(path.join(directory, file), databaseUser, databaseUser))
      }
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.strictEqual(yield* countRows(server), 1)
      assert.isTrue(isAlive(bystander.pid!))
    })
  )

  it.live("what an initdb that still ends has written is removed, although it writes on for a moment", () =>
    Effect.gen(function* () {
      const directory = path.join(yield* temporaryFolder, "postgres")
      const unfinished = path.join(directory, "data.new-killed")
      yield* Effect.promise(() => fs.mkdir(unfinished, { recursive: true }))
      // Writes into the folder for half a second, or until it is gone.
      const script = `
        const fs = require("fs")
        const until = Date.now() + 500
        process.stdout.write("up")
        for (let n = 0; Date.now() < until; n++) fs.writeFileSync(process.argv[1] + "/" + n, "")`
      const writer = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, ["-e", script, unfinished], { stdio: ["ignore", "pipe", "ignore"], cwd: "/" })
        ),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      yield* Effect.promise(() => once(writer.stdout, "data"))
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.deepStrictEqual(yield* runSql(server, "select 1 as one"), [{ one: 1 }])
      const names = yield* Effect.promise(() => fs.readdir(directory))
      assert.deepStrictEqual(
        names.filter((name) => name.startsWith("data")),
        ["data"]
      )
    })
  )

  it.live("when its process is killed during initdb, the next start makes a whole cluster", () =>
    Effect.gen(function* () {
      const directory = path.join(yield* temporaryFolder, "postgres")
      const holder = yield* program(new URL("fixtures/holdPostgres.ts", import.meta.url), [directory])
      const names = () => fs.readdir(directory).catch((): Array<string> => [])
      yield* until("initdb is at work", async () => (await names()).some((name) => name.startsWith("data.new-")))
      yield* kill(holder.pid)
      assert.notInclude(yield* Effect.promise(names), "data")
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.deepStrictEqual(yield* runSql(server, "select 1 as one"), [{ one: 1 }])
      assert.deepStrictEqual(
        (yield* Effect.promise(names)).filter((name) => name.startsWith("data")),
        ["data"]
      )
    })
  )
})
