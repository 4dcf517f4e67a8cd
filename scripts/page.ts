/**
 * What a page of the documentation says about running it. Pure: reads the marks, compares output.
 *
 *   ```sh run                in the page's shell, must succeed      ```sh run retry        again, until it succeeds as expected
 *   ```sh run optional       exit code 69 (not installed): skipped   ```sh run background N  in a terminal of its own, called N
 *   ```text expect           output of the block before it           ```text expect N       output of the terminal N
 *   <!-- needs a b -->       programs without which nothing is run   <!-- interrupt N -->   Ctrl-C in the terminal N
 *
 * Expected lines come in this order, with others between them; `…` stands for any text.
 */
export type Step =
  | {
      readonly kind: "run" | "retry" | "optional"
      readonly line: number
      readonly text: string
      readonly expected: ReadonlyArray<string>
    }
  | {
      readonly kind: "background"
      readonly line: number
      readonly name: string
      readonly text: string
      readonly expected: ReadonlyArray<string>
    }
  | {
      readonly kind: "expect"
      readonly line: number
      readonly name: string
      readonly expected: ReadonlyArray<string>
    }
  | { readonly kind: "interrupt"; readonly line: number; readonly name: string }

export interface Page {
  readonly needs: ReadonlyArray<string>
  readonly steps: ReadonlyArray<Step>
}

interface Fence {
  readonly line: number
  readonly info: ReadonlyArray<string>
  readonly text: string
}

const NAME = /^[a-z][a-z0-9-]*$/

const startOf = ({ line, info, text }: Fence): Step | undefined => {
  const [language, word, kind, name = "", ...more] = info
  if (language !== "sh" || word === undefined) return undefined
  if (word === "run" && more.length === 0) {
    if (kind === "background" && NAME.test(name)) return { kind, line, name, text, expected: [] }
    if (name === "" && kind === undefined) return { kind: "run", line, text, expected: [] }
    if (name === "" && (kind === "retry" || kind === "optional")) return { kind, line, text, expected: [] }
  }
  throw new Error(`line ${line}: expected sh run, sh run retry, sh run optional or sh run background NAME`)
}

const addExpectation = (steps: Array<Step>, { line, info, text }: Fence): void => {
  const [language, word, name, ...more] = info
  if (language !== "text" || word === undefined) return
  if (word !== "expect" || more.length > 0) throw new Error(`line ${line}: expected text expect or text expect NAME`)
  const expected = text.split("\n")
  if (name !== undefined) {
    steps.push({ kind: "expect", line, name, expected })
    return
  }
  const last = steps.at(-1)
  if (last === undefined || last.kind === "interrupt" || last.kind === "expect" || last.expected.length > 0) {
    throw new Error(`line ${line}: there is no block before this whose output it could be`)
  }
  steps[steps.length - 1] = { ...last, expected }
}

/** The steps of a page in order. Throws with the line of a mark that it does not understand. */
export const parsePage = (markdown: string): Page => {
  const steps: Array<Step> = []
  let needs: ReadonlyArray<string> = []
  let open: { line: number; info: ReadonlyArray<string>; lines: Array<string> } | null = null
  for (const [at, content] of markdown.split("\n").entries()) {
    const line = at + 1
    if (open !== null) {
      if (content !== "```") open.lines.push(content)
      else {
        const fence: Fence = { line: open.line, info: open.info, text: open.lines.join("\n") }
        const step = startOf(fence)
        if (step === undefined) addExpectation(steps, fence)
        else steps.push(step)
        open = null
      }
      continue
    }
    const [, info] = /^```(.*)$/.exec(content) ?? []
    const [, mark, words = ""] = /^<!-- (needs|interrupt) (.+) -->$/.exec(content) ?? []
    if (info !== undefined) open = { line, info: info.trim().split(/\s+/), lines: [] }
    else if (mark === "needs") needs = words.split(" ")
    else if (mark === "interrupt") steps.push({ kind: "interrupt", line, name: words })
  }
  if (open !== null) throw new Error(`line ${open.line}: this block does not end`)
  const names = new Set(steps.flatMap((step) => (step.kind === "background" ? [step.name] : [])))
  for (const step of steps) {
    if ((step.kind === "expect" || step.kind === "interrupt") && !names.has(step.name)) {
      throw new Error(`line ${step.line}: there is no terminal called ${step.name}`)
    }
  }
  return { needs, steps }
}

const pattern = (expected: string): RegExp =>
  new RegExp(
    `^${expected
      .trim()
      .split("…")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+"))
      .join(".*")}$`
  )

/** The first expected line that the output does not have in its place; `null` when all are there. */
export const firstMissing = (expected: ReadonlyArray<string>, output: string): string | null => {
  const lines = output.split("\n").map((line) => line.trim())
  let from = 0
  for (const each of expected) {
    if (each.trim() === "" || each.trim() === "…") continue
    const shape = pattern(each)
    const found = lines.findIndex((line, at) => at >= from && shape.test(line))
    if (found < 0) return each
    from = found + 1
  }
  return null
}
