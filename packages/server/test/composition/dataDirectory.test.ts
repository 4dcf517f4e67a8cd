/** A `DATA_DIR` that cannot be used: one sentence, and nothing left behind. */
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { usableDataDirectory } from "../../src/composition/dataDirectory.ts"
import { useHome } from "./home.ts"

describe("the data directory", () => {
  const home = useHome(noMediaServer)
  const complaint = (directory: string) => Effect.map(Effect.flip(usableDataDirectory(directory)), String)

  it.live("is made with its parents, and left as it is when it is there", () =>
    Effect.gen(function* () {
      const directory = path.join(home.directory(), "a/b/c")
      yield* usableDataDirectory(directory)
      fs.writeFileSync(path.join(directory, "kept"), "")
      yield* usableDataDirectory(directory)
      assert.deepStrictEqual(fs.readdirSync(directory), ["kept"])
    })
  )

  it.live("is refused where it is a file, or below one", () =>
    Effect.gen(function* () {
      const file = path.join(home.directory(), "file")
      fs.writeFileSync(file, "")
      for (const directory of [file, path.join(file, "below")]) {
        assert.include(
          yield* complaint(directory),
          `${directory} cannot be used: it, or what is above it, is no folder`
        )
      }
    })
  )

  it.live.skipIf(process.getuid?.() === 0)("is refused where we may not write", () =>
    Effect.gen(function* () {
      fs.mkdirSync(path.join(home.directory(), "closed"), { mode: 0o555 })
      for (const directory of ["closed", "closed/below"]) {
        assert.include(yield* complaint(path.join(home.directory(), directory)), "may not write there")
      }
    })
  )

  it.skipIf(process.platform !== "linux")(
    "in a place where nothing can be made ends the start with one line",
    async () => {
      for (const directory of ["/proc/nope", "/proc/nope/below", "/proc"]) {
        const service = home.start({ DATA_DIR: directory, HOOK_SECRET: "a-hook-secret-of-the-tests" })
        assert.strictEqual(await service.ended, 78)
        const [sentence, ...more] = service.err().trim().split("\n")
        assert.match(
          sentence!,
          /^greenroom: The data directory \/proc\S* cannot be used: .+\. Choose another \(DATA_DIR\), or set DATABASE_URL and MEDIAMTX_API_URL: .+$/
        )
        assert.deepStrictEqual(more, [])
        assert.strictEqual(service.out(), "")
      }
    }
  )
})
