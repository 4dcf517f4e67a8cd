/** The audit log in PostgreSQL: a change and its entry are one transaction, whichever client writes, and nothing changes an entry. */
import { assert, layer } from "@effect/vitest"
import { AuditLog, type NewAuditEntry, Sessions, StreamKeys, Streams } from "@greenroom/core"
import { aKey, aSession } from "@greenroom/testing/fixtures"
import { Deferred, Effect, Exit, Fiber, Option } from "effect"
import { aClient, usePostgresWorld } from "../fixtures/postgresWorld.ts"

const entry = (resourceId: string): NewAuditEntry => ({
  actor: { _tag: "Secret" },
  claimedActor: null,
  action: "stream_key.revoke",
  resourceId,
  broadcasterId: null,
  before: null,
  after: null,
  outcome: "succeeded",
  reason: null,
  details: null,
  origin: { requestId: null, address: null, userAgent: null }
})

/** The store refuses it: a NUL is no text of PostgreSQL's. */
const unwritable = (resourceId: string): NewAuditEntry => ({ ...entry(resourceId), reason: "\u0000" })

const countOf = (resourceId: string) => Effect.flatMap(AuditLog, (log) => log.count({ resourceId }))

layer(usePostgresWorld(), { excludeTestServices: true, timeout: "2 minutes" })("the audit log", (it) => {
  it.effect("an entry that cannot be written undoes the change, by the client of lists and by the reconciler's", () =>
    Effect.gen(function* () {
      const [log, keys, sessions, streams] = [yield* AuditLog, yield* StreamKeys, yield* Sessions, yield* Streams]
      const key = yield* aKey()
      const revoked = yield* Effect.exit(log.recording(keys.revoke(key.id), () => unwritable(key.id)))
      assert.isTrue(Exit.isFailure(revoked))
      assert.isNull(Option.getOrThrow(yield* keys.find(key.id)).key.revokedAt)
      const session = yield* aSession()
      const stopped = yield* Effect.exit(
        log.recording(sessions.requestStop(session.id, "stopped", null), () => unwritable(session.id))
      )
      assert.isTrue(Exit.isFailure(stopped))
      const { state } = Option.getOrThrow(yield* streams.find(session.id)).stream
      assert.strictEqual(state._tag, "Connecting")
      assert.deepStrictEqual(yield* streams.events(session.id, 1, 10), [])
    })
  )

  it.effect("a failure after the change undoes it, and is the failure of the whole", () =>
    Effect.gen(function* () {
      const [log, keys] = [yield* AuditLog, yield* StreamKeys]
      const { id } = yield* aKey()
      const failed = log.recording(Effect.andThen(keys.revoke(id), Effect.fail("afterwards" as const)), () => entry(id))
      assert.strictEqual(yield* Effect.flip(failed), "afterwards")
      const died = yield* Effect.exit(
        log.recording(Effect.andThen(keys.revoke(id), Effect.die("broken")), () => entry(id))
      )
      assert.isTrue(Exit.isFailure(died))
      assert.isNull(Option.getOrThrow(yield* keys.find(id)).key.revokedAt)
      assert.strictEqual(yield* countOf(id), 0)
    })
  )

  it.effect("a caller that leaves before the end leaves neither", () =>
    Effect.gen(function* () {
      const [log, keys] = [yield* AuditLog, yield* StreamKeys]
      const { id } = yield* aKey()
      const changed = yield* Deferred.make<void>()
      const waiting = Effect.andThen(
        keys.revoke(id),
        Effect.andThen(Deferred.succeed(changed, undefined), Effect.never)
      )
      const fiber = yield* Effect.forkChild(log.recording(waiting, () => entry(id)))
      yield* Deferred.await(changed)
      yield* Fiber.interrupt(fiber)
      assert.isNull(Option.getOrThrow(yield* keys.find(id)).key.revokedAt)
      // The row is free again: another change of it is not held up.
      yield* log.recording(keys.revoke(id), () => entry(id))
      assert.isNotNull(Option.getOrThrow(yield* keys.find(id)).key.revokedAt)
      assert.strictEqual(yield* countOf(id), 1)
    })
  )

  it.effect("entries cannot be changed, deleted or truncated behind the port", () =>
    Effect.gen(function* () {
      const log = yield* AuditLog
      yield* log.append(entry("kept"))
      const sql = yield* aClient
      for (const statement of [
        "update audit_log set outcome = 'refused'",
        "delete from audit_log",
        "truncate audit_log",
        "update audit_log set outcome = 'refused' where false"
      ]) {
        const refused = yield* Effect.exit(sql.unsafe(statement))
        assert.isTrue(Exit.isFailure(refused), statement)
      }
      assert.strictEqual(yield* countOf("kept"), 1)
    })
  )

  it.effect("pages and filters of a long log are read by an index", () =>
    Effect.gen(function* () {
      const sql = yield* aClient
      yield* sql`
        insert into audit_log (at, actor_type, action, resource_type, resource_id, outcome)
        select clock_timestamp() - n * interval '1 second', 'secret', 'stream_key.change', 'stream_key', 'key ' || (n % 5000), 'succeeded'
        from generate_series(1, 50000) n`
      yield* sql`analyze audit_log`
      for (const where of ["true", "l.resource_id = 'key 17'"]) {
        const plan = yield* sql.unsafe(
          `explain (format json) select l.id from audit_log l where ${where} order by l.at desc, l.id desc limit 51`
        )
        assert.notInclude(JSON.stringify(plan), "Seq Scan", where)
      }
    })
  )
})
