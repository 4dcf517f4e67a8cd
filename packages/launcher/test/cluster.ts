/** Clusters for tests: one is made once a file, with one row in `marks`; every test works on a copy of its own. */
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { isAlive, processesWith, program, temporaryFolder, until } from "../../../verification/worlds/processes.ts"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { runSql } from "./sql.ts"

const run = promisify(execFile)

/** The user that other services run as, too. */
export const nobody = 65534
/** The server's, when root starts it. */
export const databaseUser = 65526

export const insert = (server: Parameters<typeof runSql>[0]) => runSql(server, "insert into marks default values")

/** The server's own pid, from its pid file. */
export const serverPid = async (directory: string) => {
  const text = await fs.readFile(path.join(directory, "data", "postmaster.pid"), "utf8")
  return Number(text.split("\n")[0])
}

export const kill = (...pids: ReadonlyArray<number>) =>
  Effect.sync(() => {
    for (const pid of pids) process.kill(pid, "SIGKILL")
  })

export const gone = (pid: number) => until(`process ${pid} is gone`, () => !isAlive(pid))

/** A process that holds a PostgreSQL in the directory. When the scope closes it is killed, and nothing of its server is left. */
export const holder = Effect.fnUntraced(function* (directory: string, as?: Parameters<typeof program>[2]) {
  const serverIsGone = until("its server has gone", () => processesWith(directory).length === 0)
  yield* Effect.addFinalizer(() => serverIsGone)
  return yield* program(new URL("fixtures/holdPostgres.ts", import.meta.url), [directory], as)
})

/** To be called once a file, at its top. */
export const clusters = () => {
  const scope = Scope.makeUnsafe()
  let template = ""
  beforeAll(() =>
    Effect.runPromise(
      Effect.gen(function* () {
        template = path.join(yield* Scope.provide(temporaryFolder, scope), "template")
        const server = yield* EmbeddedPostgres.make({ directory: template })
        yield* runSql(server, "create table marks (at timestamptz default now())")
        yield* insert(server)
      }).pipe(Effect.scoped)
    )
  )
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  const copied = (directory: string) =>
    Effect.promise(async () => {
      await run("cp", ["-a", template, directory])
      return directory
    })
  const cluster = Effect.flatMap(temporaryFolder, (folder) => copied(path.join(folder, "postgres")))
  return { copied, cluster }
}
