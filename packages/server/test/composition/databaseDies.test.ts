/** The embedded database dies under the service: it comes back where the service looks for it, and nobody takes its place. */
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { DirectoryLock as OwnedDirectory } from "@greenroom/launcher"
import { Effect } from "effect"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { until, useHome } from "./home.ts"

describe("the embedded database, killed", () => {
  const home = useHome(noMediaServer)

  it("answers again below a path that is too long for a socket, and its directory stays taken", async () => {
    const data = path.join(home.directory(), "d".repeat(60), "d".repeat(60))
    const service = home.start({ DATA_DIR: data, API_SECRET: "the-secret-of-this-test" })
    const url = await service.ready
    const list = () => fetch(`${url}/broadcasters`, { headers: { "x-api-key": "the-secret-of-this-test" } })
    assert.strictEqual((await list()).status, 200)

    const killed = home.databasePid(data)
    process.kill(killed, "SIGKILL")
    /** Also while its file is being replaced. */
    const isAnother = () => {
      try {
        return home.databasePid(data) !== killed
      } catch {
        return false
      }
    }
    const postgres = path.join(data, "postgres")
    const takenOver = Effect.flatMap(OwnedDirectory.shortPath(postgres), (short) =>
      OwnedDirectory.own(postgres, short)
    ).pipe(
      Effect.as(true),
      Effect.orElseSucceed(() => false),
      Effect.scoped
    )
    await until(async () => {
      assert.isFalse(await Effect.runPromise(takenOver), "somebody else could take the directory")
      // Right after the kill, sessions of the dead server still answer.
      return isAnother() && (await list()).status === 200
    }, "another server answers")
    service.child.kill("SIGTERM")
    assert.strictEqual(await service.ended, 0)
    assert.strictEqual(service.err().split("the embedded database stopped").length, 2)
    assert.include(service.err(), "the embedded database is up again")
  })
})
