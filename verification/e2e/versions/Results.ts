/** What was seen, by version, way and play; and the tables for people that it makes. */
import type { Version } from "@greenroom/mediamtx-simulator"
import { type Way, ways } from "./MediaUnderTest.ts"
import { isPlayedOver, type Play, plays } from "./Play.ts"

export interface Result {
  readonly version: Version
  readonly way: Way
  readonly play: Play
  /** `ok`, or what was seen instead, in a few words. */
  readonly outcome: string
}

/** A fact of one version and way that is shown beside the outcome: milliseconds, or words. */
export interface Fact {
  readonly version: Version
  readonly way: Way
  readonly what: string
  readonly value: number | string
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(2)} s`
const shown = (value: Fact["value"]): string => (typeof value === "number" ? seconds(value) : value)
const unique = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(items)]

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const line = (cells: ReadonlyArray<string>) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")
}

export const makeResults = () => {
  const results: Array<Result> = []
  const facts: Array<Fact> = []
  const versions = () => unique(results.map(({ version }) => version))

  /** All plays ok: `full`. Else each play that was not, with what was seen. */
  const cell = (version: string, way: Way): string => {
    const own = results.filter((result) => result.version === version && result.way === way)
    if (own.length === 0) return "–"
    const limits = own.filter(({ outcome }) => outcome !== "ok").map(({ play, outcome }) => `${play}: ${outcome}`)
    const cannotPublish = own.some(({ play, outcome }) => play === "publish" && outcome !== "ok")
    const unplayed = cannotPublish
      ? []
      : plays.filter((play) => isPlayedOver(way, play) && own.every((result) => result.play !== play))
    return [...limits, ...unplayed.map((play) => `${play}: not played`)].join("; ") || "full"
  }

  const factTable = (what: string): string => {
    const valueOf = (version: string, way: Way) => {
      const fact = facts.findLast((one) => one.version === version && one.way === way && one.what === what)
      return fact === undefined ? "–" : shown(fact.value)
    }
    const rows = versions().map((version) => [version, ...ways.map((way) => valueOf(version, way))])
    return `${what}:\n\n${table(["MediaMTX", ...ways], rows)}`
  }

  return {
    add: (result: Result) => void results.push(result),
    fact: (fact: Fact) => void facts.push(fact),
    tables: (): string => {
      const support = table(
        ["MediaMTX", ...ways],
        versions().map((version) => [version, ...ways.map((way) => cell(version, way))])
      )
      return [support, ...unique(facts.map(({ what }) => what)).map(factTable)].join("\n\n")
    }
  }
}

export type Results = ReturnType<typeof makeResults>
