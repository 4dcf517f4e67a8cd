/**
 * A private PostgreSQL that scenarios can stop, kill, freeze and start again, behind a TCP relay: its instances reach it as one
 * that somebody else runs, by `DATABASE_URL`.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import { EmbeddedPostgres } from "@greenroom/launcher"
import { Effect, Exit, Scope } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { relayTo } from "./postgresRelay.ts"
import { processes, until } from "./processes.ts"

export interface DatabaseControls {
  /** For `DATABASE_URL`. */
  readonly url: string
  /** Where its data and its Unix socket are. */
  readonly directory: string
  readonly start: Effect.Effect<void>
  /** As an operator stops it: sessions are ended, everything is written. */
  readonly stop: Effect.Effect<void>
  /** SIGKILL of all of it; returns when it is dead. */
  readonly kill: Effect.Effect<void>
  /** Every process of it stands still. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** From now on what is asked over the connections that stand is done, and its answer is lost. New ones are served. */
  readonly loseAnswers: Effect.Effect<void>
  /** Past the relay, on a connection of its own. */
  readonly query: (sql: string) => Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>>
}

/** Of the instances' connections; how many there were. */
export const terminateConnections = ({ query }: Pick<DatabaseControls, "query">) =>
  Effect.map(
    query("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'greenroom%'"),
    (rows) => rows.length
  )

const postmaster = (directory: string) =>
  Effect.promise(async () => {
    const text = await fs.readFile(path.join(directory, "data", "postmaster.pid"), "utf8")
    return Number(text.split("\n")[0])
  })

/** Started; goes with its scope, and its data with the directory. */
export const database = Effect.fnUntraced(function* (directory: string) {
  let life: Scope.Closeable | undefined
  let frozen: ReadonlyArray<number> = []
  const start = Effect.gen(function* () {
    life = yield* Scope.make()
    return yield* Scope.provide(EmbeddedPostgres.make({ directory }), life)
  }).pipe(Effect.orDie)
  const stop = Effect.suspend(() => {
    const ending = life
    life = undefined
    return ending === undefined ? Effect.void : Scope.close(ending, Exit.void)
  })
  const signal = (pid: number, name: NodeJS.Signals) => {
    try {
      process.kill(pid, name)
    } catch {
      // A backend may have ended since it was listed.
    }
  }
  const allOf = Effect.map(postmaster(directory), (main) => [
    main,
    ...processes()
      .filter(({ parent }) => parent === main)
      .map(({ pid }) => pid)
  ])
  const thaw = Effect.sync(() => {
    for (const pid of frozen) signal(pid, "SIGCONT")
    frozen = []
  })
  const kill = Effect.gen(function* () {
    const pids = yield* allOf
    for (const pid of pids) signal(pid, "SIGKILL")
    frozen = []
    yield* until("PostgreSQL is dead", () => processes().every(({ pid }) => !pids.includes(pid)))
    yield* stop
  })

  yield* Effect.addFinalizer(() => Effect.andThen(thaw, stop))
  const { host, port, username, database: name } = yield* start
  const address = { host, port, username, database: name }
  const relay = yield* relayTo(address)
  const near = "port" in relay.address ? relay.address.port : 0
  const controls: DatabaseControls = {
    url: `postgres://${username}@127.0.0.1:${near}/${name}`,
    directory,
    start: Effect.asVoid(start),
    stop,
    kill,
    freeze: Effect.map(allOf, (pids) => {
      // New backends are the first one's to make.
      for (const pid of pids) signal(pid, "SIGSTOP")
      frozen = pids
    }),
    thaw,
    loseAnswers: Effect.sync(relay.loseAnswers),
    query: (sql) =>
      PgClient.makeClient({ ...address, startupParameters: { search_path: "greenroom, public" } }).pipe(
        Effect.flatMap((client) => client.unsafe(sql)),
        Effect.provide(Reactivity.layer),
        Effect.scoped,
        Effect.orDie,
        Effect.map((rows) => rows as ReadonlyArray<Readonly<Record<string, unknown>>>)
      )
  }
  return controls
})
