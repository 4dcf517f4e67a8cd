import { assert, describe, it } from "@effect/vitest"
import { limitsWithin, OPEN_FILES_WANTED, openFilesAllowed } from "../../../src/http/listener/listenerLimits.ts"

const names = ["api", "hooks", "metrics"] as const

describe("the connections of the listeners", () => {
  it.each([64, 200, 1_024, 4_096, 10_000, 1_048_576])(
    "leave files to the rest of a process with %d of them",
    (openFiles) => {
      const totals = names.map((name) => limitsWithin(openFiles, name).total)
      assert.isAtMost(
        totals.reduce((sum, total) => sum + total, 0),
        openFiles * 0.67
      )
      for (const name of names) {
        const { total, perAddress } = limitsWithin(openFiles, name)
        assert.isAtLeast(perAddress, 1)
        assert.isAtMost(perAddress, total)
      }
    }
  )

  it("are what is documented where files are no matter", () => {
    for (const openFiles of [OPEN_FILES_WANTED, Number.POSITIVE_INFINITY]) {
      assert.deepStrictEqual(limitsWithin(openFiles, "api"), { total: 4_000, perAddress: 1_000 })
      assert.deepStrictEqual(limitsWithin(openFiles, "hooks"), { total: 1_000, perAddress: 1_000 })
    }
  })

  it("know the limit of this process", () => {
    assert.isAbove(openFilesAllowed(), 0)
  })
})
