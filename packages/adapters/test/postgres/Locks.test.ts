/**
 * What waits for what in the database, shown one step at a time: another client holds a lock until the statements in question are
 * seen to wait, and only then lets go. The laws with many callers at once meet these moments by chance at best.
 */
import { randomBytes } from "node:crypto"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import {
  Leases,
  MEDIA_SERVER_BROADCASTER,
  type PathLimitText,
  Sessions,
  StoreUnavailable,
  type StreamKeyId,
  StreamKeys,
  Workers
} from "@greenroom/core"
import { admit, aKey, anAsk, aSession, later, newId, newPath, now, stateOf } from "@greenroom/testing/fixtures"
import { Data, DateTime, Effect, Fiber, Option, Schedule } from "effect"
import { aClient, usePostgresWorld } from "../fixtures/postgresWorld.ts"

const world = usePostgresWorld()

/** A busy machine did not come to the moment in question before a lock timeout, an expiry or the end of a lease did. */
class Missed extends Data.TaggedError("Missed") {}

/** Played anew, with new keys, as long as its moment is missed. */
const scene = <A, E, R>(play: (attempt: number) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let attempt = 0
    return Effect.suspend(() => Effect.scoped(play(++attempt))).pipe(
      Effect.retry({ times: 20, while: (error) => error instanceof Missed || error instanceof StoreUnavailable })
    )
  })

/** Until so many statements of the repositories wait for a lock. */
const waiting = Effect.fnUntraced(function* (sql: PgClient, count: number) {
  const look = Effect.map(
    sql`select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    ([row]) => row?.waiting === count
  )
  const seen = yield* look.pipe(
    Effect.repeat({
      schedule: Schedule.max([Schedule.spaced("5 millis"), Schedule.recurs(50)]),
      while: (seen) => !seen
    })
  )
  if (!seen) return yield* new Missed()
})

layer(world, { excludeTestServices: true, timeout: "2 minutes" })("Locks", (it) => {
  it.effect("an admission waits for a revocation that has begun, and does not come to be", () =>
    scene(
      Effect.fnUntraced(function* () {
        const [holder, observer] = [yield* aClient, yield* aClient]
        const key = yield* aKey()
        yield* holder`begin`
        yield* holder`update stream_keys set revoked_at = clock_timestamp() where id = ${key.id}`
        const admission = yield* Effect.forkScoped(admit(anAsk(key)))
        yield* waiting(observer, 1)
        yield* holder`commit`
        assert.isTrue(Option.isNone(yield* Fiber.join(admission)))
      })
    )
  )

  it.effect("a revocation waits for an admission that has begun, which the stop then finds", () =>
    scene(
      Effect.fnUntraced(function* () {
        const keys = yield* StreamKeys
        const sessions = yield* Sessions
        const [holder, observer] = [yield* aClient, yield* aClient]
        const [key, other] = [yield* aKey(), yield* aKey()]
        const path = newPath()
        yield* holder`begin`
        yield* holder`
          with new as (
            insert into streams (id, stream_key_id, broadcaster_id, path, source_id)
            values (${newId()}, ${other.id}, ${other.key.broadcasterId}, ${path}, ${newId()}) returning id, started_at
          )
          insert into stream_events (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new`
        const admission = yield* Effect.forkScoped(admit(anAsk(key, { path })))
        yield* waiting(observer, 1)
        const revocation = yield* Effect.forkScoped(keys.revoke(key.id))
        yield* waiting(observer, 2)
        yield* holder`rollback`
        const admitted = Option.getOrThrow(yield* Fiber.join(admission))
        yield* Fiber.join(revocation)
        yield* sessions.requestStopsForInvalidKeys
        assert.strictEqual((yield* stateOf(admitted.streamId)).ending?.reason, "revoked")
      })
    )
  )

  it.effect("a revocation that waited for an admission is later than that, by its own time", () =>
    scene(
      Effect.fnUntraced(function* () {
        const keys = yield* StreamKeys
        const [holder, observer] = [yield* aClient, yield* aClient]
        const key = yield* aKey()
        yield* holder`begin`
        yield* holder`select from stream_keys where id = ${key.id} for no key update`
        const revocation = yield* Effect.forkScoped(keys.revoke(key.id))
        yield* waiting(observer, 1)
        yield* holder`select pg_sleep(0.01)`
        const [admission] = yield* holder`select clock_timestamp() as at`
        yield* holder`commit`
        const { key: revoked } = Option.getOrThrow(yield* Fiber.join(revocation))
        assert.isAtLeast(DateTime.toEpochMillis(revoked.revokedAt!), (admission!.at as Date).getTime())
      })
    )
  )

  it.effect("a key that expires while its admission waits admits nobody", () =>
    scene(
      Effect.fnUntraced(function* (attempt) {
        const keys = yield* StreamKeys
        const [holder, observer] = [yield* aClient, yield* aClient]
        const key = yield* aKey()
        // Shorter than an admission waits for a lock.
        const expiresAt = later(yield* now, Math.min(40 + 40 * attempt, 240))
        if ((yield* keys.change(key.id, { expiresAt }))._tag !== "Changed") return yield* new Missed()
        yield* holder`begin`
        yield* holder`select from stream_keys where id = ${key.id} for update`
        const admission = yield* Effect.forkScoped(admit(anAsk(key)))
        yield* waiting(observer, 1)
        if (DateTime.isLessThanOrEqualTo(expiresAt, yield* now)) return yield* new Missed()
        yield* holder`select pg_sleep_until(${DateTime.toDateUtc(expiresAt)}::timestamptz + interval '2 milliseconds')`
        yield* holder`commit`
        assert.isTrue(Option.isNone(yield* Fiber.join(admission)))
      })
    )
  )

  it.effect("nobody takes a lease over while a move in its holder's name is being made", () =>
    scene(
      Effect.fnUntraced(function* (attempt) {
        const leases = yield* Leases
        const sessions = yield* Sessions
        const [holder, observer] = [yield* aClient, yield* aClient]
        yield* leases.release("other")
        const session = yield* aSession()
        // Shorter than a move waits for a lock.
        const term = Math.min(100 * attempt, 400)
        yield* holder`begin`
        yield* holder`select from streams where id = ${session.id} for update`
        assert.isTrue((yield* leases.acquire("one", term)).held)
        const move = yield* Effect.forkScoped(sessions.end([session.id], "left", "one"))
        yield* waiting(observer, 1)
        yield* holder`select pg_sleep(${(term + 50) / 1_000})`
        const takeover = yield* Effect.forkScoped(leases.acquire("other", 60_000))
        yield* waiting(observer, 2)
        yield* holder`commit`
        assert.deepStrictEqual(yield* Fiber.join(move), [session.id])
        assert.isTrue((yield* Fiber.join(takeover)).held)
        assert.isFalse(yield* sessions.requestStop((yield* aSession()).id, "stopped", "one"))
      })
    )
  )

  it.effect("a worker's key waits for the removal of its path's owner, and is another broadcaster's", () =>
    scene(
      Effect.fnUntraced(function* () {
        const leases = yield* Leases
        const workers = yield* Workers
        const [holder, observer] = [yield* aClient, yield* aClient]
        yield* leases.release("other")
        if (!(yield* leases.acquire("one", 60_000)).held) return yield* new Missed()
        const path = newPath()
        const owned = yield* aKey({ path: path as unknown as PathLimitText })
        yield* holder`begin`
        yield* holder`update broadcasters set deleted_at = clock_timestamp() where id = ${owned.key.broadcasterId}`
        const keyId = newId<StreamKeyId>()
        const issued = yield* Effect.forkScoped(
          workers.issueKey(
            {
              keyId,
              hash: new Uint8Array(randomBytes(32)),
              keyPrefix: "sk_work",
              label: "worker",
              source: null,
              inputPath: path,
              path: newPath(),
              admitWithinMillis: 60_000
            },
            "one"
          )
        )
        yield* waiting(observer, 1)
        yield* holder`commit`
        assert.isTrue(yield* Fiber.join(issued))
        const [key] = yield* holder`select broadcaster_id as owner from stream_keys where id = ${keyId}`
        assert.strictEqual(key?.owner, MEDIA_SERVER_BROADCASTER.id)
        yield* leases.release("one")
      })
    )
  )
})
