/** The recorded traffic of a real MediaMTX, and the shape of JSON: which keys stand where. */
import { readFileSync } from "node:fs"

// biome-ignore lint/suspicious/noExplicitAny: foreign JSON whose shape is what the tests are about
export type Recorded = any

export const capture = (name: string): Recorded =>
  JSON.parse(readFileSync(new URL(`./captures/${name}.json`, import.meta.url), "utf8"))

export interface RecordedCall {
  readonly body: Record<string, unknown>
  readonly headers: Record<string, string>
  readonly answered: number
}

/** Every path to a value, `[]` for the places of an array: `items.[].source.type`. Values, and what is empty, do not matter. */
export const shapeOf = (json: unknown, at = ""): ReadonlyArray<string> => {
  if (Array.isArray(json)) return [...new Set(json.flatMap((item) => shapeOf(item, `${at}.[]`)))].sort()
  if (typeof json !== "object" || json === null) return [at]
  const below = Object.entries(json).flatMap(([key, value]) => shapeOf(value, `${at}.${key}`))
  return [...new Set(below)].sort()
}
