/** How much an answer costs: what is sent to the database for it, as seen on the wire. */
import { assert, layer } from "@effect/vitest"
import { Admissions, decideAdmission, StreamKeys } from "@greenroom/core"
import { admit, aKey, anAsk, aSession, aSuccessor, newPath } from "@greenroom/testing/fixtures"
import { Context, Effect, Layer } from "effect"
import { usePostgres } from "../../../../verification/worlds/postgres.ts"
import { relayTo } from "../../../../verification/worlds/postgresRelay.ts"
import * as Postgres from "../../src/postgres/Postgres.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import { unhurried } from "../fixtures/postgresWorld.ts"

class Wire extends Context.Service<Wire, { readonly statements: () => number }>()("greenroom/test/Wire") {}

const freshDatabase = usePostgres()

const world = Layer.unwrap(
  Effect.gen(function* () {
    const relay = yield* relayTo(yield* freshDatabase)
    yield* PostgresMigrations.migrate(relay.address)
    return Layer.merge(Layer.provide(Postgres.layer(relay.address), unhurried), Layer.succeed(Wire, relay))
  }).pipe(Effect.orDie)
)

const statementsOf = Effect.fnUntraced(function* <A, E, R>(use: Effect.Effect<A, E, R>) {
  const { statements } = yield* Wire
  const before = statements()
  yield* use
  return statements() - before
})

const asked = (ask: Parameters<typeof admit>[0]) =>
  Effect.gen(function* () {
    const admissions = yield* Admissions
    yield* admissions.admit(ask)
    return decideAdmission(ask, yield* admissions.facts(ask))
  })

layer(world, { excludeTestServices: true, timeout: "2 minutes" })("Statements", (it) => {
  it.effect("an admission is one statement, which commits itself", () =>
    Effect.gen(function* () {
      const key = yield* aKey()
      assert.strictEqual(yield* statementsOf(admit(anAsk(key))), 1)
      const session = yield* aSession()
      assert.strictEqual(yield* statementsOf(admit(session.ask)), 1)
    })
  )

  it.effect("a refusal is two statements, whatever its reason", () =>
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const revoked = yield* aKey()
      yield* keys.revoke(revoked.id)
      const session = yield* aSession()
      for (const ask of [anAsk({ hash: new Uint8Array(32) }), anAsk(revoked), anAsk(session.key)]) {
        assert.strictEqual(yield* statementsOf(asked(ask)), 2)
      }
    })
  )

  it.effect("a takeover is one statement; two, when it cannot be", () =>
    Effect.gen(function* () {
      const admissions = yield* Admissions
      const [own, other] = [yield* aSession(), yield* aSession()]
      assert.strictEqual(yield* statementsOf(admissions.takeOver(anAsk(own.key), { of: "own", lastSeen: null })), 1)
      const { takeovers } = yield* admissions.facts(own.ask)
      const elsewhere = anAsk(own.key, { path: other.ask.path })
      assert.strictEqual(yield* statementsOf(admissions.takeOver(elsewhere, { of: "own", lastSeen: takeovers[0]! })), 2)
    })
  )

  it.effect("a revocation, a rotation and a block are one statement each", () =>
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const key = yield* aKey()
      assert.strictEqual(yield* statementsOf(keys.block(key.id, newPath(), 60)), 1)
      assert.strictEqual(yield* statementsOf(keys.rotate(key.id, aSuccessor(key.id, 60))), 1)
      assert.strictEqual(yield* statementsOf(keys.revoke(key.id)), 1)
    })
  )
})
