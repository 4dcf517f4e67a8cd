/** What embedders import has a docstring: the functions and effects of the package's entries. Types and schemas speak for themselves. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"

const source = (file: string) => readFileSync(new URL(`../src/${file}`, import.meta.url), "utf8")

/** The values of an entry whose names begin small, with the file of each. */
const functionsOf = (entry: string): ReadonlyArray<readonly [name: string, file: string]> =>
  [...source(entry).matchAll(/^export \{([^}]*)\} from "\.\/([^"]+)"/gm)].flatMap(([, names = "", file = ""]) =>
    names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => /^[a-z]\w*$/.test(name))
      .map((name) => [name, file] as const)
  )

describe("the entry", () => {
  const found = [...functionsOf("index.ts"), ...functionsOf("internal.ts")]

  it("is read whole", () => {
    const names = found.map(([name]) => name)
    assert.includeMembers(names, ["authenticate", "readAuthCall", "decideAdmission", "revoke", "layerBackground"])
  })

  it.each(found)("says what %s is", (name, file) => {
    const text = source(file)
    const at = text.search(new RegExp(`^export const ${name}\\b`, "m"))
    assert.isAtLeast(at, 0)
    assert.match(text.slice(0, at), /\*\/\n$/)
  })
})
