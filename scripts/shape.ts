/**
 * `npm run shape`: what can be counted of how readable the sources are. Prints a table and the places behind each figure; fails on those that
 * have a limit. What each figure is for stands in docs/adding.md and docs/architecture.md.
 */
import { basename } from "node:path"
import { parseSync, Visitor } from "vite"
import { lineAt, type SourceFile, sourceFiles } from "./sourceFiles.ts"

const LONGEST_FUNCTION = 70
const WORDS = /\b(whoever|nobody|somebody|anybody|tells?|told|says?|said)\b/i
const MOST_OF_THOSE_WORDS = 30

export interface LongFunction {
  readonly path: string
  readonly line: number
  readonly lines: number
}

/** A repository or a migration of PostgreSQL is a list of statements, and a suite is a list of laws, each short. */
const isList = (path: string) =>
  /^packages\/(adapters\/src\/postgres\/(?:Postgres|migrations\/)\w+|testing\/src\/laws\/\w+Laws)\.ts$/.test(path)

export const longFunctions = (file: SourceFile): ReadonlyArray<LongFunction> => {
  const found: Array<LongFunction> = []
  const measure = ({ start, end }: { readonly start: number; readonly end: number }) => {
    const line = lineAt(file.text, start)
    const lines = lineAt(file.text, end) - line + 1
    if (lines > LONGEST_FUNCTION) found.push({ path: file.path, line, lines })
  }
  new Visitor({
    ArrowFunctionExpression: measure,
    FunctionDeclaration: measure,
    FunctionExpression: measure
  }).visit(parseSync(file.path, file.text).program)
  return found
}

/** Files of which a reader who searches for the name finds several; an `index.ts` is the front of its folder everywhere. */
export const sameNames = (files: ReadonlyArray<SourceFile>): ReadonlyArray<ReadonlyArray<string>> => {
  const named = Map.groupBy(
    files.filter(({ path }) => !/(^|\/)(index|main)\.ts$/.test(path)),
    ({ path }) => basename(path).toLowerCase()
  )
  return [...named.values()].filter((group) => group.length > 1).map((group) => group.map(({ path }) => path))
}

export interface WordInLine {
  readonly path: string
  readonly line: number
  readonly text: string
}

export const wordsOf = ({ path, text }: SourceFile): ReadonlyArray<WordInLine> =>
  text.split("\n").flatMap((line, index) => (WORDS.test(line) ? [{ path, line: index + 1, text: line.trim() }] : []))

export interface Exports {
  readonly names: number
  readonly stars: number
}

/** What a package's index exports: names, and `export *`. */
export const exportsOf = (file: SourceFile): Exports => {
  let [names, stars] = [0, 0]
  new Visitor({
    ExportAllDeclaration: (node) => {
      if (node.exported === null) stars++
      else names++
    },
    ExportNamedDeclaration: ({ specifiers }) => {
      names += specifiers.length
    }
  }).visit(parseSync(file.path, file.text).program)
  return { names, stars }
}

const linesOf = (files: ReadonlyArray<SourceFile>) =>
  files.reduce((sum, { text }) => sum + text.split("\n").length - 1, 0)

if (import.meta.main) {
  const sources = sourceFiles("packages/*/src")
  const of = (name: string) => sources.filter(({ path }) => path.startsWith(`packages/${name}/`))
  const [simulator, testing] = [of("mediamtx-simulator"), of("testing")]
  const product = sources.filter((file) => !simulator.includes(file) && !testing.includes(file))
  const tests = sourceFiles("packages/*/test", "verification")
  const long = sources.filter(({ path }) => !isList(path)).flatMap(longFunctions)
  const same = sameNames(sources)
  const words = sources.flatMap(wordsOf)
  const core = sources.filter(({ path }) => path === "packages/core/src/index.ts").map(exportsOf)[0]
  const figures: ReadonlyArray<readonly [string, string | number]> = [
    ["lines of product source", linesOf(product)],
    ...["core", "adapters", "launcher", "server"].map(
      (name) =>
        [`  packages/${name}/src`, linesOf(product.filter(({ path }) => path.startsWith(`packages/${name}/`)))] as const
    ),
    ["lines of the simulator", linesOf(simulator)],
    ["lines of the laws and arbitraries", linesOf(testing)],
    ["lines of tests and verification", linesOf(tests)],
    [`functions over ${LONGEST_FUNCTION} lines`, long.length],
    ["files that share their name with another", same.length],
    ["names that core exports", `${core?.names} and ${core?.stars} export *`],
    ["lines with whoever, nobody, tell, say, …", words.length]
  ]
  for (const [name, value] of figures) console.log(`${name.padEnd(44)} ${value}`)
  for (const { path, line, lines } of long) console.log(`${path}:${line}: a function of ${lines} lines`)
  for (const group of same) console.log(`the same name: ${group.join(", ")}`)
  if (process.argv.includes("--words"))
    for (const { path, line, text } of words) console.log(`${path}:${line}: ${text}`)
  process.exitCode = long.length === 0 && same.length === 0 && words.length <= MOST_OF_THOSE_WORDS ? 0 : 1
}
