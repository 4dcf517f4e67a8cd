import { assert, describe, it } from "@effect/vitest"
import { exportsOf, longFunctions, sameNames, wordsOf } from "./shape.ts"

const file = (path: string, text = "") => ({ path, text })

describe("shape", () => {
  it("finds functions of more than seventy lines, also in one another", () => {
    const lines = (count: number) => Array.from({ length: count }, () => "  call()").join("\n")
    const text = `const one = () => {\n${lines(68)}\n}\nfunction two() {\n${lines(69)}\n}\nconst three = of(function () {\n${lines(80)}\n})\n`
    assert.deepStrictEqual(longFunctions(file("a.ts", text)), [
      { path: "a.ts", line: 71, lines: 71 },
      { path: "a.ts", line: 142, lines: 82 }
    ])
  })

  it("finds files with one name, whatever its case, but not the fronts of folders", () => {
    const paths = ["a/Serve.ts", "b/serve.ts", "a/index.ts", "b/index.ts", "a/other.ts"]
    assert.deepStrictEqual(sameNames(paths.map((path) => file(path))), [["a/Serve.ts", "b/serve.ts"]])
  })

  it("finds words that are not plain, not parts of others", () => {
    assert.deepStrictEqual(
      wordsOf(file("a.ts", "// it tells nobody\nconst essay = 1\n// Said once")).map(({ line }) => line),
      [1, 3]
    )
  })

  it("counts what an index exports", () => {
    const text = `export { a, type B } from "./a.ts"\nexport * from "./b.ts"\nexport * as c from "./c.ts"`
    assert.deepStrictEqual(exportsOf(file("index.ts", text)), { names: 3, stars: 1 })
  })
})
