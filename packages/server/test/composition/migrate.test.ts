/** Migrations in the hands of an operator: what is pending can be seen, checked and run, each before the service starts. */
import { assert, describe, it } from "@effect/vitest"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { useHome } from "./home.ts"

describe("the migrations of a database", () => {
  const home = useHome(noMediaServer)

  const run = async (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) => {
    const process = home.start(environment, args)
    return { code: await process.ended, out: process.out(), err: process.err() }
  }

  it("are printed without a change, stop a start that only checks, and are run", async () => {
    const environment = { DATABASE_SCHEMA: "control" }
    const first = await run(["migrate", "--print"], environment)
    assert.strictEqual(first.code, 0, first.err)
    assert.match(first.out, /^begin;\n[\s\S]+create schema "control";\n[\s\S]+-- 0001_[\s\S]+commit;\n/)

    const checked = await run(["serve"], { ...environment, DATABASE_MIGRATE: "check" })
    assert.strictEqual(checked.code, 78)
    assert.match(checked.err, /Migrations are pending in the schema control: 0001_broadcasters_and_keys, /)

    const migrated = await run(["migrate"], environment)
    assert.deepStrictEqual([migrated.code, migrated.out], [0, "The schema is up to date.\n"])
    assert.strictEqual((await run(["migrate", "--print"], environment)).out, "-- The schema is up to date.\n")
  })

  it("of an installation in another schema are not begun: the start names both schemas", async () => {
    assert.strictEqual((await run(["migrate"], { DATABASE_SCHEMA: "public" })).code, 0)
    const refused = await run(["serve"])
    assert.strictEqual(refused.code, 78)
    assert.include(refused.err, "Set DATABASE_SCHEMA=public to use it")
  })
})
