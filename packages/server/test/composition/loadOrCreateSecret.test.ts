import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { loadOrCreateSecret } from "../../src/composition/loadOrCreateSecret.ts"

describe("a kept secret", () => {
  let directory = ""
  beforeEach(() => {
    directory = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "greenroom-secret-")), "data")
  })
  afterEach(() => fs.rmSync(path.dirname(directory), { recursive: true, force: true }))

  it.effect("is made once, kept for its owner alone, and found again", () =>
    Effect.gen(function* () {
      const first = yield* loadOrCreateSecret(directory, "api-secret")
      const again = yield* loadOrCreateSecret(directory, "api-secret")
      assert.strictEqual(Redacted.value(first.value), Redacted.value(again.value))
      assert.match(Redacted.value(first.value), /^[\w-]{32}$/)
      assert.strictEqual(fs.statSync(first.file).mode & 0o777, 0o600)
      assert.deepStrictEqual(fs.readdirSync(directory), ["api-secret"])
    })
  )

  it.effect("is one and the same for twenty first starts at once", () =>
    Effect.gen(function* () {
      const all = yield* Effect.forEach(
        Array.from({ length: 20 }),
        () => loadOrCreateSecret(directory, "hook-secret"),
        {
          concurrency: "unbounded"
        }
      )
      assert.strictEqual(new Set(all.map((kept) => Redacted.value(kept.value))).size, 1)
      assert.deepStrictEqual(fs.readdirSync(directory), ["hook-secret"])
    })
  )

  it.effect("is not shown when it is printed", () =>
    Effect.gen(function* () {
      const kept = yield* loadOrCreateSecret(directory, "api-secret")
      assert.notInclude(`${kept.value} ${JSON.stringify(kept)}`, Redacted.value(kept.value))
    })
  )

  it.effect("fails in one sentence when the file is empty or the directory cannot be", () =>
    Effect.gen(function* () {
      fs.mkdirSync(directory)
      fs.writeFileSync(path.join(directory, "api-secret"), "\n")
      const empty = yield* Effect.flip(loadOrCreateSecret(directory, "api-secret"))
      assert.include(empty.message, "the file is empty")
      fs.writeFileSync(path.join(directory, "file"), "")
      fs.writeFileSync(path.join(directory, "api-secret"), "fifteen-letters\n")
      const short = yield* Effect.flip(loadOrCreateSecret(directory, "api-secret"))
      assert.include(short.message, "expected at least 16 characters")
      assert.notInclude(short.message, "fifteen")
      const below = yield* Effect.flip(loadOrCreateSecret(path.join(directory, "file", "x"), "api-secret"))
      assert.include(below.message, "cannot be kept")
    })
  )
})
