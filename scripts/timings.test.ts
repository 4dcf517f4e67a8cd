import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { root } from "./sourceFiles.ts"
import { page, productFiles, timingsOf } from "./timings.ts"

const at = "packages/core/src/a.ts"
const shown = (text: string) => timingsOf({ path: at, text }).map(({ name, value, why }) => [name, value, why])

describe("timingsOf", () => {
  it("finds constants whose name ends in a unit, and durations that are written as text", () => {
    const text = `
/** For as long as it takes. And no longer. */
const WAIT_MS = 1_500
const A_DAY_MS = 24 * 60 * 60_000
const IDLE_SECONDS = 90
// Not before.
const delayMillis = 250
const deadlines = { look: "5 seconds", kick: options.kick ?? "500 millis" }
const stop = Effect.timeout(release, "1 hour")
`
    assert.deepStrictEqual(shown(text), [
      ["WAIT_MS", "1.5 s", "For as long as it takes."],
      ["A_DAY_MS", "24 h", ""],
      ["IDLE_SECONDS", "90 s", ""],
      ["delayMillis", "250 ms", "Not before."],
      ["deadlines look", "5 s", ""],
      ["deadlines kick", "500 ms", ""],
      ["stop Effect.timeout()", "1 h", ""]
    ])
  })

  it("leaves other numbers and other texts", () => {
    assert.deepStrictEqual(shown(`const MAX = 5\nconst MANY_MS = count * 2\nconst text = "5 seconds ago"`), [])
  })
})

it("docs/timings.md is what the sources hold: `npm run timings` writes it", () => {
  assert.strictEqual(readFileSync(join(root, "docs/timings.md"), "utf8"), page(productFiles()))
})

it("every time in the sources has a name", () => {
  assert.deepStrictEqual(
    productFiles()
      .flatMap(timingsOf)
      .filter(({ name }) => name === ""),
    []
  )
})
