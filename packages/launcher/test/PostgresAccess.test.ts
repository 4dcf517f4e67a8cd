/** Who gets into the private PostgreSQL, and what becomes of data that an earlier version kept as `nobody`. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs/promises"
import { userInfo } from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isRoot, program, temporaryFolder } from "../../../verification/worlds/processes.ts"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { accessFiles } from "../src/PostgresAccess.ts"
import * as PostgresCluster from "../src/PostgresCluster.ts"
import { clusters, databaseUser, holder, nobody, serverPid } from "./cluster.ts"
import { countRows, runSql } from "./sql.ts"

const { cluster, copied } = clusters()

const legacyHba = "local all all trust\nhost all all 127.0.0.1/32 trust\n"

/** As whom a process of another user is let in, or why not. */
const answerTo = Effect.fnUntraced(function* (host: string, as: { uid: number; gid: number }) {
  const asking = yield* program(new URL("fixtures/askPostgres.ts", import.meta.url), [host], as)
  return yield* Effect.promise(() => asking.says("answered"))
})

describe("the files that decide who may connect", () => {
  it("name our user and root; without a name the socket's folder decides", () => {
    assert.deepStrictEqual(accessFiles("media", "postgres"), {
      hba: "local all all peer map=greenroom\n",
      ident: 'greenroom "media" postgres\ngreenroom "root" postgres\n'
    })
    assert.strictEqual(accessFiles("root", "postgres").ident, 'greenroom "root" postgres\n')
    assert.strictEqual(accessFiles('a"b', "postgres").ident.split("\n")[0], 'greenroom "a""b" postgres')
    assert.strictEqual(accessFiles(null, "postgres").hba, "local all all trust\n")
  })
})

/** Not beside other tests: the mask is the process's. */
describe("a mask that takes all rights from others", () => {
  const masked = Effect.acquireRelease(
    Effect.sync(() => process.umask(0o077)),
    (before) => Effect.sync(() => process.umask(before))
  )

  it.live("keeps the server's user from none of what it has to read and enter", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* masked
      const server = yield* EmbeddedPostgres.make({ directory: path.join(folder, "data", "postgres") })
      assert.deepStrictEqual(yield* runSql(server, "select 1 as one"), [{ one: 1 }])
      assert.strictEqual(path.dirname(server.host), path.join(folder, "data", "postgres"))
    })
  )
})

describe("our own user", { concurrent: true }, () => {
  it.live("is let in by its name, whatever is in the files that initdb or an earlier version has left", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const file = path.join(directory, "data", "pg_hba.conf")
      yield* Effect.promise(() => fs.writeFile(file, legacyHba))
      const server = yield* EmbeddedPostgres.make({ directory })
      const [row] = yield* runSql(server, "select system_user as me")
      assert.deepStrictEqual(row, { me: `peer:${userInfo().username}` })
      const rules = yield* runSql(server, "select type, auth_method as how from pg_hba_file_rules")
      assert.deepStrictEqual(rules, [{ type: "local", how: "peer" }])
      assert.strictEqual(yield* Effect.promise(() => fs.readFile(file, "utf8")), legacyHba)
    })
  )

  it.live("finds nothing open in what initdb writes either", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const text = yield* Effect.promise(() => fs.readFile(path.join(directory, "data", "pg_hba.conf"), "utf8"))
      assert.notMatch(text, /^[^#].*trust/m)
    })
  )
})

describe.skipIf(!isRoot)("as root", { concurrent: true }, () => {
  it.live("another user is refused, even one that reaches the socket, and the server's own", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const server = yield* EmbeddedPostgres.make({ directory })
      const socket = path.join(server.host, ".s.PGSQL.5432")
      const mode = (yield* Effect.promise(() => fs.stat(socket))).mode & 0o777
      assert.strictEqual(mode, 0o700)
      assert.strictEqual(yield* answerTo(server.host, { uid: nobody, gid: nobody }), "EACCES")
      yield* Effect.promise(() => Promise.all([fs.chmod(server.host, 0o711), fs.chmod(socket, 0o777)]))
      for (const uid of [nobody, databaseUser]) {
        assert.strictEqual(yield* answerTo(server.host, { uid, gid: uid }), "refused")
      }
      assert.strictEqual(yield* answerTo(server.host, { uid: 0, gid: 0 }), "let in")
    })
  )

  it.live("data of nobody's becomes the server's own user's, also when an earlier change of hands was cut short", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const data = path.join(directory, "data")
      execFileSync("chown", ["-R", `${nobody}:${nobody}`, data, path.join(directory, "socket")])
      execFileSync("chown", ["-R", `${databaseUser}:${databaseUser}`, path.join(data, "base")])
      yield* Effect.promise(() => fs.writeFile(path.join(data, "pg_hba.conf"), legacyHba))
      const outside = path.join(yield* temporaryFolder, "outside")
      yield* Effect.promise(async () => {
        await fs.writeFile(outside, "")
        await fs.symlink(outside, path.join(data, "link"))
        await fs.link(outside, path.join(data, "base", "hard-link"))
      })
      const server = yield* EmbeddedPostgres.make({ directory })
      assert.strictEqual(yield* countRows(server), 1)
      const others = ["-type", "f", "-links", "1", "-o", "-type", "d"]
      const left = [data, "(", ...others, ")", "!", "-user", String(databaseUser)]
      assert.strictEqual(execFileSync("find", left, { encoding: "utf8" }), "")
      assert.strictEqual((yield* Effect.promise(() => fs.stat(outside))).uid, 0)
      const pid = yield* Effect.promise(() => serverPid(directory))
      const user = execFileSync("ps", ["-o", "uid=,gid=", "-p", String(pid)], { encoding: "utf8" })
      assert.deepStrictEqual(user.trim().split(/\s+/), [String(databaseUser), String(databaseUser)])
    })
  )

  it.live("while initdb runs as nobody, other processes of nobody's cannot enter what it makes", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [bin, directory] = [path.join(folder, "bin"), path.join(folder, "postgres")]
      // In initdb's place: it leaves as whom it ran, and whose its folders were, where the cluster would be.
      const initdb = `#!/bin/sh
        data=\${1#--pgdata=}
        { id -u; id -g; for one in "$data/.." "$data"; do ls -ldn "$one" | awk '{ print $1, $3, $4 }'; done; } >"$data/PG_VERSION"`
      yield* Effect.promise(async () => {
        for (const made of [bin, directory]) await fs.mkdir(made, { mode: 0o755 })
        await fs.writeFile(path.join(bin, "initdb"), initdb, { mode: 0o755 })
      })
      const data = path.join(directory, "data")
      const as = { uid: databaseUser, gid: databaseUser }
      yield* PostgresCluster.initialise({ directory, data, socket: path.join(directory, "socket"), as }, bin)
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(directory)), ["data"])
      const version = path.join(data, "PG_VERSION")
      const [uid, gid, outer, inner] = (yield* Effect.promise(() => fs.readFile(version, "utf8"))).split("\n")
      assert.deepStrictEqual([uid, gid], [String(nobody), String(databaseUser)])
      assert.match(outer!, new RegExp(`^drwx--x---\\.? 0 ${databaseUser}$`))
      assert.match(inner!, new RegExp(`^drwx------\\.? ${nobody} ${databaseUser}$`))
      for (const file of [data, version]) {
        assert.strictEqual((yield* Effect.promise(() => fs.stat(file))).uid, databaseUser)
      }
    })
  )

  it.live("a service that is a number without a name finds its data as before", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const directory = yield* copied(path.join(folder, "postgres"))
      execFileSync("chown", ["-R", "54321:54321", directory])
      const held = yield* holder(directory, { uid: 54321, gid: 54321 })
      assert.strictEqual(yield* Effect.promise(() => held.says("ready")), "2")
      const socket = path.join(directory, "socket")
      assert.strictEqual(yield* answerTo(socket, { uid: nobody, gid: nobody }), "EACCES")
    })
  )
})
