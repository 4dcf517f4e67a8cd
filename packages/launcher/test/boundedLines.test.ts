/** However a child's output is cut into chunks, its lines come out the same, and none is longer than the limit. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { boundedLines } from "../src/boundedLines.ts"

const limit = 5

const linesOf = (chunks: ReadonlyArray<string>) => {
  const lines: Array<readonly [string, boolean]> = []
  const splitter = boundedLines(limit, (line, cut) => lines.push([line, cut]))
  for (const chunk of chunks) splitter.push(chunk)
  splitter.end()
  return lines
}

const Chunk = Schema.Array(Schema.Literals(["a", "b", "\n", "é", "xyz"]))

describe("boundedLines", () => {
  it.prop(
    "says the same whatever the chunks, and what a plain split says, cut at the limit",
    [Schema.Array(Chunk)],
    ([parts]) => {
      const chunks = parts.map((part) => part.join(""))
      const lines = linesOf(chunks)
      const expected = chunks
        .join("")
        .split("\n")
        .filter((line) => line !== "")
        .map((line): readonly [string, boolean] => [line.slice(0, limit), line.length > limit])
      assert.deepStrictEqual(lines, expected)
    }
  )

  it("takes Windows line endings off", () => {
    assert.deepStrictEqual(linesOf(["ab\r", "\nc\r\n"]), [
      ["ab", false],
      ["c", false]
    ])
  })
})
