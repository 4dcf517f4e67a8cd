/**
 * Which lines and branches of a shell script its runs have reached, from bash's own trace (`set -x` with the line number in PS4).
 * A script under it keeps one statement a line and no `&&` or `||`, and each arm of a `case` has a statement: then its lines are
 * its branches, but for an `if` without `else` and a loop that may not run. Those must have been seen to go both ways.
 */

/** In bash: runs the script `$0` with its arguments, the trace on descriptor 9. */
export const traced = `PS4='+$LINENO ' BASH_XTRACEFD=9; set -x; . "$0"`

export interface Reached {
  readonly lines: Set<number>
  /** `from→to`, of statements of the script itself, not of its subshells. */
  readonly steps: Set<string>
}

export const reached = (): Reached => ({ lines: new Set(), steps: new Set() })

/** Adds what one run's trace says. A sourced script is one level deep already, its subshells are deeper. */
export const addTrace = (to: Reached, trace: string): void => {
  let previous = 0
  for (const entry of trace.split("\n")) {
    const [, depth = "", digits = ""] = /^(\++)(\d+) /.exec(entry) ?? []
    if (depth.length < 2) continue
    const line = Number(digits)
    to.lines.add(line)
    if (depth.length > 2) continue
    if (previous !== line) to.steps.add(`${previous}→${line}`)
    previous = line
  }
  to.steps.add(`${previous}→0`)
}

const syntax = [
  /^(#.*)?$/,
  /^(else|fi|done|esac|;;|\}|do|then)$/,
  /^\w+\(\) \{$/,
  // An arm's pattern.
  /^(?!.*(\$\(|=)).*\)$/,
  // The line on which a quoted line break begins: its command is counted where it ends.
  /^newline='$/
]

const statements = (script: string): ReadonlyArray<readonly [number, string]> =>
  script.split("\n").flatMap((raw, index) => {
    const text = raw.trim()
    return syntax.some((pattern) => pattern.test(text)) ? [] : [[index + 1, text] as const]
  })

/** What the runs have not reached, in sentences; nothing when they have reached everything. */
export const unreached = (script: string, { lines, steps }: Reached): ReadonlyArray<string> =>
  statements(script).flatMap(([line, text]) => {
    if (!lines.has(line)) return [`line ${line} was never run: ${text}`]
    if (/&&|\|\|/.test(text.replaceAll(/\$\(\(.*\)\)/g, ""))) return [`line ${line} holds two branches: ${text}`]
    if (!/^(if|elif|while) /.test(text)) return []
    const next = [...steps].flatMap((step) => (step.startsWith(`${line}→`) ? [Number(step.split("→")[1])] : []))
    return [
      ...(next.includes(line + 1) ? [] : [`line ${line} was never true: ${text}`]),
      ...(next.some((after) => after !== line + 1) ? [] : [`line ${line} was never false: ${text}`])
    ]
  })

/** How many statements a script has, for the report. */
export const countStatements = (script: string): number => statements(script).length
