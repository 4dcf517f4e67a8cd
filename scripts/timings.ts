/**
 * `npm run timings` writes docs/timings.md: every deadline and interval of the product, read from its sources. What counts is a constant whose
 * name ends in a unit, and a duration that is written as text. The reason is the comment before it; a test holds the page to the sources.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseSync } from "vite"
import { lineAt, root, type SourceFile, sourceFiles } from "./sourceFiles.ts"

export interface Timing {
  readonly name: string
  readonly value: string
  readonly path: string
  readonly line: number
  /** The comment before it; empty where there is none. */
  readonly why: string
}

const UNIT = /(?:_(MS|SECONDS)|(Millis|Seconds))$/
const DURATION = /^(\d+(?:\.\d+)?) (millis|milliseconds?|seconds?|minutes?|hours?|days?)$/

const millisIn: Readonly<Record<string, number>> = { m: 1, s: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }
const units = [
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000]
] as const

const shown = (millis: number): string => {
  const [unit, size] = units.find(([, size]) => millis >= size && (size === 1_000 || millis % size === 0)) ?? ["ms", 1]
  return `${millis / size} ${unit}`
}

const unitMillis = (unit: string): number =>
  millisIn[unit.toLowerCase().replace(/s$/, "")] ?? (/^s/i.test(unit) ? 1_000 : 1)

/** The number that an expression of literals is; `undefined` for any other expression. */
const numberIn = (text: string): number | undefined => {
  const plain = text.replaceAll("_", "")
  if (!/^[\d\s.*/+()-]+$/.test(plain)) return undefined
  return plain.split("*").reduce((product, factor) => product * Number(factor), 1)
}

const firstSentence = (comment: string): string => {
  const text = comment
    .replace(/^\s*\*+ ?/gm, "")
    .replaceAll(/\s+/g, " ")
    .trim()
  return /^.*?[.;](?= |$)/.exec(text)?.[0].replace(/;$/, ".") ?? text
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string"

const childrenOf = (node: Node): ReadonlyArray<Node> => Object.values(node).flat().filter(isNode)

/** What a node adds to the names of the values in it: those of variables, properties and calls. */
const nameOf = (node: Node, text: string): string | undefined => {
  const part = (value: unknown) => (isNode(value) ? text.slice(value.start, value.end) : undefined)
  if (node.type === "VariableDeclarator") return part(node.id)?.replace(/:.*/s, "")
  if (node.type === "Property" || node.type === "PropertyDefinition") return part(node.key)
  if (node.type !== "CallExpression") return undefined
  const callee = part(node.callee)
  return callee !== undefined && /^[\w.]+$/.test(callee) ? `${callee}()` : undefined
}

/** The last three names tell where a value stands; a call names only what stands in it without a name. */
const readable = (names: ReadonlyArray<string>): string => {
  const own = names.filter((name, index) => !name.endsWith("()") || index === names.length - 1)
  return own.slice(-3).join(" ")
}

export const timingsOf = ({ path, text }: SourceFile): ReadonlyArray<Timing> => {
  const { program, comments } = parseSync(path, text)
  const found: Array<Timing> = []
  const commentBefore = (start: number): string => {
    const begin = text.lastIndexOf("\n", start) + 1
    const comment = comments.findLast(({ end }) => end <= begin && text.slice(end, begin).trim() === "")
    return comment === undefined ? "" : firstSentence(comment.value)
  }
  const add = (names: ReadonlyArray<string>, millis: number, start: number) =>
    found.push({
      name: readable(names),
      value: shown(millis),
      path,
      line: lineAt(text, start),
      why: commentBefore(start)
    })
  const visit = (node: Node, names: ReadonlyArray<string>): void => {
    const name = nameOf(node, text)
    const inner = name === undefined ? names : [...names, name]
    const value = node.type === "VariableDeclarator" ? node.init : node.type === "Property" ? node.value : undefined
    const unit = UNIT.exec(name ?? "")
    const amount = isNode(value) ? numberIn(text.slice(value.start, value.end)) : undefined
    if (unit !== null && amount !== undefined && amount > 0)
      add(inner, amount * unitMillis(unit[1] ?? unit[2] ?? ""), node.start)
    if (node.type === "Literal" && typeof node.value === "string") {
      const [, count, word] = DURATION.exec(node.value) ?? []
      if (count !== undefined && word !== undefined) add(inner, Number(count) * unitMillis(word), node.start)
    }
    for (const child of childrenOf(node)) visit(child, inner)
  }
  visit(program as unknown as Node, [])
  return found
}

const packagesInOrder = ["core", "adapters", "launcher", "server"]

export const page = (files: ReadonlyArray<SourceFile>): string => {
  const rowsOf = (name: string) =>
    files
      .filter(({ path }) => path.startsWith(`packages/${name}/src/`))
      .flatMap(timingsOf)
      .map(
        ({ name, value, path, why }) =>
          `| \`${name}\` | ${value} | [${path.replace(/^packages\/\w+\/src\//, "")}](../${path}) | ${why.replaceAll("|", "\\|")} |`
      )
  return [
    "# Deadlines and intervals",
    "",
    "Every time that is written in the sources. `npm run timings` makes this page from them, and a test holds it to them. What an operator can change",
    "stands in [configuration.md](configuration.md).",
    ...packagesInOrder.flatMap((name) => [
      "",
      `## packages/${name}`,
      "",
      "| name | value | where | why |",
      "|---|---|---|---|",
      ...rowsOf(name)
    ]),
    ""
  ].join("\n")
}

export const productFiles = () => sourceFiles(...packagesInOrder.map((name) => `packages/${name}/src`))

if (import.meta.main) writeFileSync(join(root, "docs/timings.md"), page(productFiles()))
