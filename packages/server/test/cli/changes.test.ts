/** The difference between two looks, for whatever comes and goes. */
import { it } from "@effect/vitest"
import { StreamId } from "@greenroom/core"
import { Schema } from "effect"
import { expect } from "vitest"
import { difference, type Seen, standingOf } from "../../src/cli/changes.ts"
import { Stream } from "../../src/http/api/streamSchemas.ts"
import { stream } from "./support/answers.ts"

const decoded = Schema.decodeUnknownSync(Stream)(stream)
const ids = ["a", "b", "c", "d", "e"].map((letter) =>
  StreamId.make(`5f0a3a1c-7b11-4c1c-9d2a-0192e4a7${letter.repeat(4)}`)
)

const Look = Schema.Array(
  Schema.Struct({
    index: Schema.Literals([0, 1, 2, 3, 4]),
    status: Schema.Literals(["connecting", "active"]),
    ending: Schema.Boolean
  })
)

const seen = (look: typeof Look.Type): ReadonlyArray<Seen> => {
  const byIndex = new Map(look.map((one) => [one.index, one]))
  return [...byIndex.values()].map(({ index, status, ending }) => ({
    value: {
      ...decoded,
      id: ids[index] as StreamId,
      status,
      ending: ending ? { reason: "revoked", requestedAt: decoded.startedAt } : null
    },
    wire: null
  }))
}

const byId = (look: ReadonlyArray<Seen>) => new Map(look.map((one) => [one.value.id, one]))

it.prop("told changes, and nothing else, turn one look into the next", [Look, Look], ([first, second]) => {
  const [before, now] = [byId(seen(first)), seen(second)]
  const { changes, left } = difference(before, now)
  const standings = new Map([...before].map(([id, { value }]) => [id, standingOf(value)]))
  for (const { change, seen } of changes) {
    expect(standings.get(seen.value.id)).not.toBe(change)
    standings.set(seen.value.id, change)
  }
  for (const id of left) expect(standings.delete(id)).toBe(true)
  expect(standings).toEqual(new Map(now.map(({ value }) => [value.id, standingOf(value)])))
})

it.prop("newcomers are told oldest first, as they came", [Look], ([look]) => {
  const now = seen(look)
  const { changes } = difference(new Map(), now)
  expect(changes.map(({ seen }) => seen.value.id).reverse()).toEqual(now.map(({ value }) => value.id))
})
