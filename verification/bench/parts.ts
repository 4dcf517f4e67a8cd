/** The parts of a run, each of which can run alone, and what each gives to the report. */
import { parseArgs } from "node:util"
import type { Rounds } from "./figures.ts"

/** Those of a run without `--only`, in their order. */
const ordinary = [
  "auth",
  "hundred",
  "writes",
  "lists",
  "idle",
  "viewers",
  "embedded",
  "events",
  "telemetry",
  "start"
] as const
/** Those that take minutes. */
const long = ["million", "memory"] as const

export type Part = (typeof ordinary)[number] | (typeof long)[number]

/** One row of the table of aims. */
export interface Finding {
  readonly aim: number
  readonly what: string
  readonly greenroom: string
  /** What it is compared with. */
  readonly beside: string
  readonly value: number
  readonly bound: { readonly atMost: number } | { readonly atLeast: number }
}

/** What one kind of call took, ms. */
export interface Line {
  readonly what: string
  readonly figures: Rounds
  readonly perSecond?: number
  /** Processor time a call, ms, of the whole process, with everything else that it does meanwhile. */
  readonly processor?: number
  /** Of the bodies of a call, on the average. */
  readonly bytes?: number
}

export interface Measured {
  readonly part: Part
  readonly title: string
  readonly findings: ReadonlyArray<Finding>
  readonly lines: ReadonlyArray<Line>
  readonly notes: ReadonlyArray<string>
}

export class Usage extends Error {}

const isPart = (name: string): name is Part => [...ordinary, ...long].includes(name as Part)

export const partsFrom = (args: ReadonlyArray<string>): ReadonlyArray<Part> => {
  const names = [...ordinary, ...long].join(", ")
  const usage = `npm run bench [-- --only <parts>], with parts by name, separated by commas: ${names}`
  const wanted = onlyIn(args, usage)
  if (wanted === undefined) return ordinary
  const chosen = wanted.split(",").map((name) => name.trim())
  const unknown = chosen.find((name) => !isPart(name))
  if (unknown !== undefined) throw new Usage(`no part is named "${unknown}": ${names}`)
  return chosen as ReadonlyArray<Part>
}

const onlyIn = (args: ReadonlyArray<string>, usage: string): string | undefined => {
  try {
    return parseArgs({ args: [...args], options: { only: { type: "string" } }, allowPositionals: false }).values.only
  } catch (error) {
    throw new Usage(`${error instanceof Error ? error.message : error}\n${usage}`)
  }
}
