/**
 * What the repositories do when the database does not answer: frozen, stopped, cut off, or waiting for somebody else's lock. Every
 * call fails as `StoreUnavailable` within its deadline, and works again when the database does, without a restart of ours.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import * as path from "node:path"
import { assert, layer } from "@effect/vitest"
import {
  Admissions,
  Broadcasters,
  Leases,
  Sessions,
  StoreHealth,
  StoreUnavailable,
  StreamKeys,
  Streams
} from "@greenroom/core"
import { EmbeddedPostgres } from "@greenroom/launcher"
import { aBroadcaster, admit, aKey, anAsk, anOrder, aSession, newPath } from "@greenroom/testing/fixtures"
import { Context, Effect, Exit, Layer, Option, Schedule, Scope } from "effect"
import { temporaryFolder, withClient } from "../../../../verification/worlds/postgres.ts"
import { relayTo } from "../../../../verification/worlds/postgresRelay.ts"
import * as Postgres from "../../src/postgres/Postgres.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"

interface Controlled {
  readonly address: PostgresAddress
  /** Stops every process of the server where it is, until the scope closes. */
  readonly freeze: Effect.Effect<void, never, Scope.Scope>
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

class Server extends Context.Service<Server, Controlled>()("greenroom/test/Server") {}

/** A server that can be frozen, and stopped and started again over its data, with the schema in its one database. */
const server = Effect.gen(function* () {
  const directory = path.join(yield* temporaryFolder, "postgres")
  const begin = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const running = yield* Scope.provide(EmbeddedPostgres.make({ directory }), scope)
    return { ...running, stop: Scope.close(scope, Exit.void) }
  }).pipe(Effect.orDie)
  let current = yield* begin
  yield* Effect.addFinalizer(() => current.stop)
  const { host, port, username, database } = current
  yield* PostgresMigrations.migrate({ host, port, username, database })
  const signal = (name: NodeJS.Signals) => {
    const pidFile = readFileSync(path.join(current.directory, "data", "postmaster.pid"), "utf8")
    const postmaster = Number(pidFile.split("\n")[0])
    const children = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .flatMap(([pid, parent]) => (parent === postmaster ? [pid!] : []))
    for (const pid of [postmaster, ...children]) process.kill(pid, name)
  }
  return Server.of({
    address: { host, port, username, database },
    freeze: Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => signal("SIGSTOP")),
        () => Effect.sync(() => signal("SIGCONT"))
      )
    ),
    stop: Effect.suspend(() => current.stop),
    start: Effect.map(begin, (again) => {
      current = again
    })
  })
})

/** A busy machine's timers are late; what is to fail here would not end by itself, or only after minutes. */
const LATE = 10

/** Fails as the port says, and not much later than after `within` milliseconds. */
const unavailable = Effect.fnUntraced(function* <A, E, R>(within: number, use: Effect.Effect<A, E, R>) {
  const begin = performance.now()
  const outcome = yield* Effect.result(use)
  const took = performance.now() - begin
  if (outcome._tag === "Success") return assert.fail("it answered")
  if (!(outcome.failure instanceof StoreUnavailable)) return assert.fail(String(outcome.failure))
  assert.isBelow(took, within * LATE, outcome.failure.operation)
})

/** Asks until it answers. */
const answersAgain = <A, E, R>(use: Effect.Effect<A, E, R>) =>
  use.pipe(Effect.retry(Schedule.spaced("50 millis")), Effect.timeout("1 minute"))

const atOnce = { concurrency: "unbounded", discard: true } as const
const ADMISSION = 900
const RECONCILER = 1_500
const GENERAL = 4_000

/** A use of every repository, by the client that it is on. */
const uses = Effect.gen(function* () {
  const broadcasters = yield* Broadcasters
  const keys = yield* StreamKeys
  const admissions = yield* Admissions
  const sessions = yield* Sessions
  const streams = yield* Streams
  const leases = yield* Leases
  const health = yield* StoreHealth
  const { id } = yield* aBroadcaster()
  const session = yield* aSession()
  const all: Record<"quick" | "reconciling" | "patient", ReadonlyArray<Effect.Effect<unknown, StoreUnavailable>>> = {
    quick: [
      admissions.takeOver(anAsk(session.key), { of: "own", lastSeen: null }),
      admissions.admit(anAsk(session.key)),
      admissions.facts(session.ask),
      admissions.endGone(session.id),
      health.ping
    ],
    patient: [
      broadcasters.list({ limit: null, after: null }),
      broadcasters.remove(id),
      keys.issue(anOrder(id, { path: newPath() })),
      keys.revoke(session.key.id),
      streams.find(session.id)
    ],
    reconciling: [
      sessions.open,
      sessions.requestStopsForInvalidKeys,
      sessions.end([session.id], "left", null),
      leases.acquire("somebody", 1_000)
    ]
  }
  return all
})

const everythingAnswersAgain = Effect.gen(function* () {
  const health = yield* StoreHealth
  const sessions = yield* Sessions
  yield* answersAgain(health.ping)
  yield* answersAgain(aSession())
  yield* answersAgain(sessions.open)
})

const over = (address: PostgresAddress) => Effect.provide(Postgres.layer(address), { local: true })

layer(Layer.effect(Server, server), { excludeTestServices: true, timeout: "2 minutes" })("Outages", (it) => {
  it.effect("a frozen database is unavailable within the deadlines, and available when it goes on", () =>
    Effect.gen(function* () {
      const { address, freeze } = yield* Server
      yield* Effect.gen(function* () {
        const { quick, reconciling, patient } = yield* answersAgain(uses)
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* freeze
            yield* Effect.all(
              [
                Effect.forEach(patient, (use) => unavailable(GENERAL, use), atOnce),
                Effect.andThen(
                  Effect.forEach(reconciling, (use) => unavailable(RECONCILER, use), atOnce),
                  Effect.forEach(reconciling, (use) => unavailable(RECONCILER, use), atOnce)
                ),
                Effect.andThen(
                  Effect.forEach(quick, (use) => unavailable(ADMISSION, use), atOnce),
                  Effect.forEach(quick, (use) => unavailable(ADMISSION, use), { discard: true })
                )
              ],
              atOnce
            )
          })
        )
        yield* everythingAnswersAgain
      }).pipe(over(address))
    })
  )

  it.effect("a database that was stopped is available when it runs again, with all that was committed", () =>
    Effect.gen(function* () {
      const { address, stop, start } = yield* Server
      yield* Effect.gen(function* () {
        const { quick, reconciling, patient } = yield* answersAgain(uses)
        const session = yield* aSession()
        yield* stop
        yield* Effect.forEach([...quick, ...reconciling, ...patient], (use) => unavailable(GENERAL, use), atOnce)
        yield* start
        yield* everythingAnswersAgain
        const streams = yield* Streams
        assert.isTrue(Option.isSome(yield* streams.find(session.id)))
      }).pipe(over(address))
    })
  )

  it.effect("a service that starts before its database works as soon as that does", () =>
    Effect.gen(function* () {
      const { address, stop, start } = yield* Server
      yield* stop
      yield* Effect.gen(function* () {
        const health = yield* StoreHealth
        yield* unavailable(ADMISSION, health.ping)
        yield* start
        yield* everythingAnswersAgain
      }).pipe(over(address))
    })
  )

  it.effect("connections that a network has swallowed are given up for new ones", () =>
    Effect.gen(function* () {
      const { address } = yield* Server
      const relay = yield* relayTo(address)
      yield* Effect.gen(function* () {
        const health = yield* StoreHealth
        const keys = yield* StreamKeys
        const key = yield* aKey()
        yield* Effect.all([health.ping, health.ping, keys.find(key.id), keys.find(key.id)], atOnce)
        relay.swallow()
        yield* Effect.all(
          [
            Effect.gen(function* () {
              yield* unavailable(ADMISSION, admit(anAsk(key)))
              assert.isTrue(Option.isSome(yield* answersAgain(admit(anAsk(key)))))
            }),
            Effect.andThen(unavailable(GENERAL, keys.find(key.id)), answersAgain(keys.find(key.id)))
          ],
          atOnce
        )
        relay.close()
      }).pipe(over(relay.address))
    })
  )

  it.effect("who waits for a client that is given up is told so, and not interrupted", () =>
    Effect.gen(function* () {
      const { address, freeze } = yield* Server
      yield* Effect.gen(function* () {
        const keys = yield* StreamKeys
        const key = yield* aKey()
        const find = keys.find(key.id)
        yield* freeze
        const delays = [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500]
        yield* Effect.forEach(delays, (delay) => Effect.delay(unavailable(GENERAL, find), delay), atOnce)
      }).pipe(over(address), Effect.scoped)
    })
  )

  it.effect("somebody else's lock on a key delays that key's admissions, not the answer, and no other key's", () =>
    Effect.gen(function* () {
      const { address } = yield* Server
      yield* Effect.gen(function* () {
        const [locked, ...others] = yield* Effect.forEach(Array.from({ length: 9 }), () => aKey())
        yield* withClient(address, (sql) =>
          sql.withTransaction(
            Effect.gen(function* () {
              yield* sql`select from stream_keys where id = ${locked!.id} for update`
              yield* Effect.all(
                [
                  unavailable(ADMISSION, admit(anAsk(locked!))),
                  Effect.forEach(
                    others,
                    (key) => Effect.map(answersAgain(admit(anAsk(key))), Option.getOrThrow),
                    atOnce
                  )
                ],
                atOnce
              ).pipe(Effect.orDie)
            })
          )
        )
        assert.isTrue(Option.isSome(yield* answersAgain(admit(anAsk(locked!)))))
      }).pipe(over(address))
    })
  )
})
