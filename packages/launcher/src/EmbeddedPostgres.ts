/**
 * A private PostgreSQL, for a service without `DATABASE_URL`: durable, and installed with npm packages alone. It listens only on a
 * Unix socket in its own directory and admits only our user and root. It stops when the scope closes and never outlives this
 * process. Data survives every kill. One process owns the directory at a time; a second service is refused.
 *
 * `prepare` locks the directory, `start` runs one server in it. When that server ends by itself, `exited` reports it, and the
 * owner of the directory may start another one at the same address. Migrations and backups are not part of this module.
 */
import * as path from "node:path"
import { Context, Deferred, Duration, Effect, Layer, Schedule, type Scope } from "effect"
import * as ChildProcessGroup from "./ChildProcessGroup.ts"
import { clearEarlierServer } from "./clearEarlierServer.ts"
import * as DirectoryLock from "./DirectoryLock.ts"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { writeAccessFiles } from "./PostgresAccess.ts"
import { findPostgresBinaries } from "./PostgresBinaries.ts"
import * as PostgresCluster from "./PostgresCluster.ts"
import { type PostgresDirectory, preparePostgresDirectory } from "./PostgresDirectory.ts"

export interface Options {
  /** Made when absent, mode 0700; only this service uses it: `DATA_DIR/postgres`. */
  readonly directory: string
  /** A module (its URL, or the path of a file) that can import the platform package. Default: this one. */
  readonly resolveFrom?: string | URL
  /** As root: the user and group that the server runs as, if there is no data yet. Default 65526. */
  readonly uid?: number
  /** As root: the parent of the data, if that user cannot reach the directory. Default `/var/lib/greenroom`. */
  readonly elsewhere?: string
  /** Further settings of the server, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Until it accepts connections, including recovery after a crash. Default 60 seconds. */
  readonly startDeadline?: Duration.Input
}

export interface Address {
  /** The directory of its Unix socket, as libpq and `PgClient` understand a `host` that begins with a slash. */
  readonly host: string
  readonly port: number
  readonly username: string
  readonly database: string
}

/** A directory that this process owns until the scope closes, with a cluster in it. */
export interface Prepared extends Address {
  readonly place: PostgresDirectory
  /** The folder of the programs. */
  readonly bin: string
  readonly options: Options
}

export class EmbeddedPostgres extends Context.Service<
  EmbeddedPostgres,
  Address & {
    /** The data's directory, which can differ from the option. */
    readonly directory: string
    /** Succeeds with a description of the exit when the server stops, by itself or with the scope. */
    readonly exited: Effect.Effect<string>
  }
>()("greenroom/EmbeddedPostgres") {}

const port = 5432
/** A fast shutdown writes a checkpoint, which takes time on a slow disk. After this, the next start recovers instead. */
const STOP_GRACE = "30 seconds"
const stop = { signal: "INT", grace: STOP_GRACE, last: "QUIT" } as const
/** Recovery of a large log takes seconds to minutes. */
const START_WITHIN = "60 seconds"
/** The backends of a killed server need a moment to notice its end. Fifty attempts are 10 s. */
const RETRY_START_EVERY = "200 millis"
/** PostgreSQL refuses to start while backends of a killed server still run. */
const lingering = /pre-existing shared memory block|lock file ".*" already exists/

const settingsFor = (
  socketDirectory: string,
  access: Readonly<Record<string, string>>,
  options: Options
): ReadonlyArray<string> =>
  Object.entries({
    log_line_prefix: "",
    log_error_verbosity: "terse",
    log_min_error_statement: "panic",
    ...options.settings,
    ...access,
    logging_collector: "off",
    log_destination: "stderr",
    listen_addresses: "",
    port: String(port),
    unix_socket_directories: socketDirectory,
    unix_socket_permissions: "0700"
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`])

const startServer = Effect.fnUntraced(function* ({
  place,
  bin,
  host,
  options
}: Prepared): Effect.fn.Return<ChildProcessGroup.ChildProcessGroup, EmbeddedPostgresFailed, Scope.Scope> {
  const fail = (detail: string) =>
    new EmbeddedPostgresFailed({ reason: "start", directory: place.directory, detail: `it does not start: ${detail}` })
  const access = yield* Effect.tryPromise({
    try: () => writeAccessFiles(place.directory, PostgresCluster.superuser),
    catch: (error) => fail(String(error))
  })
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const ready = Deferred.makeUnsafe<void>()
  let lastLine = ""
  const server = yield* ChildProcessGroup.start({
    command: path.join(bin, "postgres"),
    args: ["-D", place.data, ...settingsFor(host, access, options)],
    cwd: "/",
    env: PostgresCluster.environment,
    as: place.as,
    stop,
    onLine: (line) => {
      if (/^(FATAL|PANIC):/.test(line) || lastLine === "") lastLine = line
      if (line.includes("database system is ready to accept connections")) Deferred.doneUnsafe(ready, Effect.void)
      const level = /^PANIC:/.test(line) ? Effect.logError : Effect.logDebug
      run(level(`postgres: ${line.slice(0, 1000)}`))
    }
  }).pipe(Effect.catchTag("SpawnFailed", ({ detail }) => fail(detail)))
  const died = server.exited.pipe(
    Effect.flatMap((exit) => fail(lastLine === "" ? ChildProcessGroup.describeExit(exit) : lastLine))
  )
  const deadline = Duration.fromInputUnsafe(options.startDeadline ?? START_WITHIN)
  yield* Effect.raceFirst(Deferred.await(ready), died).pipe(
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () => fail(`not ready after ${Duration.format(deadline)}; its last line: ${lastLine}`)
    })
  )
  return server
})

/** Locks the directory, finds the programs, and makes a cluster in an empty directory. */
export const prepare = Effect.fn("EmbeddedPostgres.prepare")(function* (
  options: Options
): Effect.fn.Return<Prepared, EmbeddedPostgresFailed, Scope.Scope> {
  const place = yield* preparePostgresDirectory(options)
  if (place.directory !== path.resolve(options.directory)) {
    yield* Effect.logWarning(
      `the database is kept in ${place.directory}: user ${place.as?.uid} cannot enter ${options.directory}`
    )
  }
  const short = yield* DirectoryLock.shortPath(place.directory)
  yield* DirectoryLock.own(place.directory, short)
  const bin = yield* findPostgresBinaries(place, options.resolveFrom ?? import.meta.url)
  yield* PostgresCluster.initialise(place, bin)
  const host = path.join(short, path.basename(place.socket))
  return { host, port, username: PostgresCluster.superuser, database: "postgres", place, bin, options }
})

/** Runs one server until the scope closes; returns when it accepts connections. Removes the remains of an earlier server first. */
export const start = Effect.fn("EmbeddedPostgres.start")(function* (
  prepared: Prepared
): Effect.fn.Return<EmbeddedPostgres["Service"], EmbeddedPostgresFailed, Scope.Scope> {
  yield* clearEarlierServer(prepared.place)
  yield* PostgresCluster.takeOver(prepared.place)
  const server = yield* startServer(prepared).pipe(
    Effect.retry({
      schedule: Schedule.max([Schedule.spaced(RETRY_START_EVERY), Schedule.recurs(50)]),
      while: (failed) => lingering.test(failed.detail)
    })
  )
  const { host, port, username, database, place } = prepared
  const exited = Effect.map(server.exited, ChildProcessGroup.describeExit)
  return EmbeddedPostgres.of({ host, port, username, database, directory: place.directory, exited })
})

export const make = (options: Options) => Effect.flatMap(prepare(options), start)

export const layer = (options: Options): Layer.Layer<EmbeddedPostgres, EmbeddedPostgresFailed> =>
  Layer.effect(EmbeddedPostgres, make(options))
