/** The bounds of connections, as laws over random comings, goings and workings. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import { cases, integer } from "../../../../core/test/support/arbitraries.ts"
import { ConnectionTable } from "../../../src/http/listener/ConnectionTable.ts"

interface Connection {
  readonly address: string
  isBusy: boolean
}

const limits = { total: 12, perAddress: 5 }

/**
 * A number a step. Its last digit: 0 to 5 a connection from one of six addresses, 6 a touch, 7 an end, 8 work begins, 9 work ends; the
 * digits before it choose the connection.
 */
const steps = Arbitrary.array(integer(0, 409), { maxLength: 200 })

/** Plays the steps and hands each verdict to `check`, with the connections that were open before, oldest first. */
const play = (
  plays: ReadonlyArray<number>,
  check: (
    verdict: ReturnType<ConnectionTable<Connection>["add"]>,
    before: ReadonlyArray<Connection>,
    added: Connection
  ) => void
) => {
  const table = new ConnectionTable<Connection>(limits, ({ isBusy }) => !isBusy)
  let open: Array<Connection> = []
  for (const step of plays) {
    const kind = step % 10
    const chosen = open[Math.floor(step / 10) % Math.max(1, open.length)]
    if (kind <= 5) {
      const added = { address: `10.0.0.${kind}`, isBusy: false }
      const before = [...open]
      const verdict = table.add(added, added.address)
      if (verdict._tag !== "Refused")
        open = [...open.filter((one) => verdict._tag !== "KeptInsteadOf" || one !== verdict.closed), added]
      check(verdict, before, added)
    } else if (chosen !== undefined) {
      if (kind === 6) {
        table.touch(chosen)
        open = [...open.filter((one) => one !== chosen), chosen]
      } else if (kind === 7) {
        table.remove(chosen)
        open = open.filter((one) => one !== chosen)
      } else chosen.isBusy = kind === 8
    }
    assert.strictEqual(table.size, open.length)
  }
}

describe("the table of connections", () => {
  it.prop(
    "never holds more than its bounds",
    [steps],
    ([plays]) => {
      play(plays, (verdict, before, added) => {
        const after = before.length + (verdict._tag === "Kept" ? 1 : 0)
        assert.isAtMost(after, limits.total)
        const same = before.filter(({ address }) => address === added.address).length
        assert.isAtMost(same + (verdict._tag === "Kept" ? 1 : 0), limits.perAddress)
      })
    },
    cases(500)
  )

  it.prop(
    "closes the oldest that waits for its client, of the same address where that one is full",
    [steps],
    ([plays]) => {
      play(plays, (verdict, before, added) => {
        const same = before.filter(({ address }) => address === added.address)
        const pool = same.length >= limits.perAddress ? same : before
        const isFull = pool !== before || before.length >= limits.total
        const oldest = pool.find(({ isBusy }) => !isBusy)
        if (!isFull) assert.strictEqual(verdict._tag, "Kept")
        else if (oldest === undefined) assert.strictEqual(verdict._tag, "Refused")
        else assert.deepStrictEqual(verdict, { _tag: "KeptInsteadOf", closed: oldest })
      })
    },
    cases(500)
  )

  it("looks at a bounded number of connections before it refuses", () => {
    let asked = 0
    const table = new ConnectionTable<number>({ total: 1_000, perAddress: 1_000 }, () => {
      asked += 1
      return false
    })
    for (let n = 0; n < 1_000; n++) table.add(n, "a")
    assert.strictEqual(table.add(1_000, "b")._tag, "Refused")
    assert.isAtMost(asked, 64)
  })
})
