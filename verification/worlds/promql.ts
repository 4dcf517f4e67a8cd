/**
 * Which series an expression of PromQL reads, and by which labels it groups: enough of the language for our dashboard and alerts. It knows names,
 * matchers, strings, ranges and groupings, and refuses what it does not know. Whether an expression is PromQL at all is for promtool.
 */

export interface Matcher {
  readonly label: string
  readonly op: string
  readonly value: string
}

export interface Selector {
  readonly metric: string
  readonly matchers: ReadonlyArray<Matcher>
}

export interface Reads {
  readonly selectors: ReadonlyArray<Selector>
  /** Of `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`. */
  readonly labels: ReadonlyArray<string>
}

const token =
  /\s+|([a-zA-Z_:][\w:]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\[[^\]]*\])|(\d[\w.]*)|(=~|!~|!=|==|>=|<=|[-+*/%^=<>(){},])/y
const grouping = new Set(["by", "without", "on", "ignoring", "group_left", "group_right"])
const operators = new Set(["and", "or", "unless", "bool", "offset"])

const tokensOf = (expression: string): ReadonlyArray<string> => {
  const tokens: Array<string> = []
  token.lastIndex = 0
  while (token.lastIndex < expression.length) {
    const at = token.lastIndex
    const match = token.exec(expression)
    if (match === null) throw new Error(`not known at ${at}: ${expression}`)
    if (match[0].trim() !== "") tokens.push(match[0])
  }
  return tokens
}

const isName = (text: string | undefined): text is string => text !== undefined && /^[a-zA-Z_:]/.test(text)

/** Variables of Grafana stand for a range. */
const withoutVariables = (expression: string) => expression.replaceAll(/\$__\w+/g, "5m")

export const readsOf = (expression: string): Reads => {
  const tokens = tokensOf(withoutVariables(expression))
  const selectors: Array<Selector> = []
  const labels: Array<string> = []
  let at = 0
  const expect = (wanted: string) => {
    if (tokens[at] !== wanted) throw new Error(`expected ${wanted}, not ${tokens[at]}: ${expression}`)
    at += 1
  }
  const names = () => {
    expect("(")
    while (tokens[at] !== ")") {
      const label = tokens[at]
      if (isName(label)) {
        labels.push(label)
        at += 1
      } else expect(",")
    }
    at += 1
  }
  const matchers = (): ReadonlyArray<Matcher> => {
    const found: Array<Matcher> = []
    if (tokens[at] !== "{") return found
    at += 1
    while (tokens[at] !== "}") {
      const [label, op, value] = tokens.slice(at, at + 3)
      if (!isName(label) || op === undefined || !/^(=|!=|=~|!~)$/.test(op) || value === undefined)
        throw new Error(`expected a matcher at ${label}: ${expression}`)
      found.push({ label, op, value: value.slice(1, -1) })
      at += 3
      if (tokens[at] === ",") at += 1
    }
    at += 1
    return found
  }
  while (at < tokens.length) {
    const name = tokens[at]
    at += 1
    if (!isName(name) || operators.has(name)) continue
    if (grouping.has(name)) {
      if (tokens[at] === "(" || !name.startsWith("group_")) names()
    }
    // A function, or an aggregation, whose grouping may stand before its argument.
    else if (tokens[at] !== "(" && !grouping.has(tokens[at] ?? ""))
      selectors.push({ metric: name, matchers: matchers() })
  }
  return { selectors, labels }
}

export interface Series {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
}

/** What `GET /metrics` shows. */
export const seriesIn = (text: string): ReadonlyArray<Series> =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, metric = "", inner = ""] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? []
      const labels = [...inner.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value])
      return { metric, labels: Object.fromEntries(labels) }
    })

const holds = ({ label, op, value }: Matcher, labels: Series["labels"]): boolean => {
  const actual = labels[label] ?? ""
  const isMatch = op.endsWith("~") ? new RegExp(`^(?:${value})$`).test(actual) : actual === value
  return op.startsWith("!") ? !isMatch : isMatch
}

export const selected = ({ metric, matchers }: Selector, series: ReadonlyArray<Series>): ReadonlyArray<Series> =>
  series.filter((one) => one.metric === metric && matchers.every((matcher) => holds(matcher, one.labels)))
