import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { checkServer, isTooOld } from "../../src/postgres/serverVersion.ts"

it("takes PostgreSQL 15 and newer", () => {
  assert.deepStrictEqual(
    [96_024, 140_023, 150_000, 150_018, 180_004].filter((number) => !isTooOld(number)),
    [150_000, 150_018, 180_004]
  )
})

it.effect("refuses an older server with a sentence that names both versions", () =>
  Effect.gen(function* () {
    const rows = [{ number: 140_023, name: "14.23 (Debian 14.23-1.pgdg13+1)" }]
    const server = { unsafe: () => ({ unprepared: Effect.succeed(rows) }) } as unknown as SqlClient
    const error = yield* Effect.flip(checkServer(server))
    assert.strictEqual(
      error instanceof Error ? error.message : error,
      "PostgreSQL 14.23 (Debian 14.23-1.pgdg13+1) is too old: Greenroom needs PostgreSQL 15 or newer"
    )
  })
)
