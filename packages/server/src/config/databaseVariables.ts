/** The variables about the database beside its address. */
import {
  connections,
  isSchemaName,
  MOST_CONNECTIONS,
  type PoolSizes,
  poolNames,
  SCHEMA_EXPECTED
} from "@greenroom/adapters/postgres"
import { Schema, SchemaTransformation } from "effect"

export const DatabaseSchema = Schema.String.check(
  Schema.makeFilter((text) => isSchemaName(text) || `expected ${SCHEMA_EXPECTED}`)
)

const example = poolNames.map((name) => `${name}=${connections[name]}`).join(",")
const sentence = `expected connections such as ${example}, each once and from 1 to ${MOST_CONNECTIONS}`

const parse = (text: string): Partial<PoolSizes> | undefined => {
  const sizes: { -readonly [N in keyof PoolSizes]?: number } = {}
  for (const entry of text.split(",")) {
    const [, name, digits] = /^\s*(\w+)=(\d{1,3})\s*$/.exec(entry) ?? []
    const known = poolNames.find((candidate) => candidate === name)
    const size = Number(digits)
    if (known === undefined || sizes[known] !== undefined || size < 1 || size > MOST_CONNECTIONS) return undefined
    sizes[known] = size
  }
  return sizes
}

const Sizes = Schema.Record(Schema.Literals(poolNames), Schema.optionalKey(Schema.Finite))

export const DatabasePool = Schema.String.check(
  Schema.makeFilter((text) => parse(text) !== undefined || sentence)
).pipe(
  Schema.decodeTo(
    Sizes,
    SchemaTransformation.transform({
      decode: (text: string): Partial<PoolSizes> => parse(text) ?? {},
      encode: (sizes: Partial<PoolSizes>) =>
        Object.entries(sizes)
          .map(([name, size]) => `${name}=${size}`)
          .join(",")
    })
  )
)
