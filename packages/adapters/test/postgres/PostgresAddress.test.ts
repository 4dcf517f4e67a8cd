/** The database's password stands in its address; it must stand in nothing that is written when the address does not work. */
import { inspect } from "node:util"
import { assert, it } from "@effect/vitest"
import { StoreHealth } from "@greenroom/core"
import { Effect, Exit, Layer, Redacted } from "effect"
import * as Postgres from "../../src/postgres/Postgres.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"

const password = "correct-horse"

const addresses: ReadonlyArray<readonly [string, PostgresAddress]> = [
  ["is no URL", { url: Redacted.make(`postgres://user:${password}@[nowhere/db`) }],
  ["is of nobody", { url: Redacted.make(`postgres://user:${password}@127.0.0.1:1/db`) }],
  ["is of another protocol", { url: Redacted.make(`mysql://user:${password}@127.0.0.1:1/db`) }],
  [
    "comes in parts",
    { host: "127.0.0.1", port: 1, username: "user", database: "db", password: Redacted.make(password) }
  ]
]

for (const [how, address] of addresses) {
  it.live(`an address that ${how} fails without saying its password`, () =>
    Effect.gen(function* () {
      const ping = Effect.flatMap(StoreHealth, (health) => health.ping)
      const exits: ReadonlyArray<Exit.Exit<unknown, unknown>> = [
        yield* Effect.exit(Effect.provide(ping, Postgres.layer(address))),
        yield* Effect.exit(Layer.build(PostgresMigrations.layer(address)))
      ]
      for (const exit of exits) {
        assert.isTrue(Exit.isFailure(exit))
        for (const text of [String(exit), JSON.stringify(exit), inspect(exit, { depth: 20, showHidden: true })]) {
          assert.notInclude(text, password)
        }
      }
    })
  )
}
