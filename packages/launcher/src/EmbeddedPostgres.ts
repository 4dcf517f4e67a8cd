/**
 * A private PostgreSQL, for a service that nobody gave a database: real, durable, and with nothing to install but npm packages.
 * It listens on a Unix socket in its own directory and nowhere else, lets in our user and root alone, is owned by one process at a time, stops when the scope
 * closes, and never outlives this process. Data survives every kill; a second service on the same directory is refused.
 * `prepare` takes possession of the directory, `start` runs one server in it: when that dies under a running service, `exited`
 * says so, and whoever has the directory may start another one at the same address. Migrations, backups, and databases that
 * somebody else runs are left to others.
 */
import * as path from "node:path"
import { Context, Deferred, Duration, Effect, Layer, Schedule, type Scope } from "effect"
import * as ChildProcessGroup from "./ChildProcessGroup.ts"
import { clearEarlierServer } from "./clearEarlierServer.ts"
import * as OwnedDirectory from "./DirectoryLock.ts"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { writeAccessFiles } from "./PostgresAccess.ts"
import { findPostgresBinaries } from "./PostgresBinaries.ts"
import * as PostgresCluster from "./PostgresCluster.ts"
import { type PostgresDirectory, preparePostgresDirectory } from "./PostgresDirectory.ts"

export interface Options {
  /** Made when absent, mode 0700; ours alone: `DATA_DIR/postgres`. */
  readonly directory: string
  /** A module (its URL, or the path of a file) that can import the platform package. Default: this one. */
  readonly resolveFrom?: string | URL
  /** As root: the user and group that the server runs as, when no data is there yet. Default 65526. */
  readonly uid?: number
  /** As root: where the data goes when that user cannot reach the directory. Default `/var/lib/greenroom`. */
  readonly elsewhere?: string
  /** More of the server's settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Until it accepts connections, replaying its log after a crash included. Default 60 seconds. */
  readonly startDeadline?: Duration.Input
}

export interface Address {
  /** The directory of its Unix socket, as libpq and `PgClient` understand a `host` that begins with a slash. */
  readonly host: string
  readonly port: number
  readonly username: string
  readonly database: string
}

/** A directory that is ours until the scope closes, with a cluster in it. */
export interface Prepared extends Address {
  readonly place: PostgresDirectory
  /** The folder of the programs. */
  readonly bin: string
  readonly options: Options
}

export class EmbeddedPostgres extends Context.Service<
  EmbeddedPostgres,
  Address & {
    /** Where the data is, which is not always where it was asked for. */
    readonly directory: string
    /** Succeeds with how it ended when the server stops, by itself or with the scope. */
    readonly exited: Effect.Effect<string>
  }
>()("greenroom/EmbeddedPostgres") {}

const port = 5432
/** A fast shutdown writes a checkpoint; one that takes longer than this is left to the next start's recovery. */
const stop = { signal: "INT", grace: "30 seconds", last: "QUIT" } as const
/** Backends of a killed server need a moment to notice; until then PostgreSQL refuses to start beside them. */
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
  let said = ""
  const server = yield* ChildProcessGroup.start({
    command: path.join(bin, "postgres"),
    args: ["-D", place.data, ...settingsFor(host, access, options)],
    cwd: "/",
    env: PostgresCluster.environment,
    as: place.as,
    stop,
    onLine: (line) => {
      if (/^(FATAL|PANIC):/.test(line) || said === "") said = line
      if (line.includes("database system is ready to accept connections")) Deferred.doneUnsafe(ready, Effect.void)
      const level = /^PANIC:/.test(line) ? Effect.logError : Effect.logDebug
      run(level(`postgres: ${line.slice(0, 1000)}`))
    }
  }).pipe(Effect.catchTag("SpawnFailed", ({ detail }) => fail(detail)))
  const died = server.exited.pipe(
    Effect.flatMap((exit) => fail(said === "" ? ChildProcessGroup.describeExit(exit) : said))
  )
  const deadline = Duration.fromInputUnsafe(options.startDeadline ?? "60 seconds")
  yield* Effect.raceFirst(Deferred.await(ready), died).pipe(
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () => fail(`not ready after ${Duration.format(deadline)}; its last word: ${said}`)
    })
  )
  return server
})

/** Finds the programs, takes the directory, and makes a cluster in an empty one. */
export const prepare = Effect.fn("EmbeddedPostgres.prepare")(function* (
  options: Options
): Effect.fn.Return<Prepared, EmbeddedPostgresFailed, Scope.Scope> {
  const place = yield* preparePostgresDirectory(options)
  if (place.directory !== path.resolve(options.directory)) {
    yield* Effect.logWarning(
      `the database is kept in ${place.directory}: user ${place.as?.uid} cannot enter ${options.directory}`
    )
  }
  const short = yield* OwnedDirectory.shortPath(place.directory)
  yield* OwnedDirectory.own(place.directory, short)
  const bin = yield* findPostgresBinaries(place, options.resolveFrom ?? import.meta.url)
  yield* PostgresCluster.initialise(place, bin)
  const host = path.join(short, path.basename(place.socket))
  return { host, port, username: PostgresCluster.superuser, database: "postgres", place, bin, options }
})

/** Runs one server until the scope closes; returns when it accepts connections. Whatever an earlier one left is cleared away. */
export const start = Effect.fn("EmbeddedPostgres.start")(function* (
  prepared: Prepared
): Effect.fn.Return<EmbeddedPostgres["Service"], EmbeddedPostgresFailed, Scope.Scope> {
  yield* clearEarlierServer(prepared.place)
  yield* PostgresCluster.takeOver(prepared.place)
  const server = yield* startServer(prepared).pipe(
    Effect.retry({
      schedule: Schedule.max([Schedule.spaced("200 millis"), Schedule.recurs(50)]),
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
