/** The bounds of connections, as laws over random comings, goings and workings. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import { cases, integer } from "../../../../core/test/support/arbitraries.ts"
import { ConnectionTable, type Place } from "../../../src/http/listener/ConnectionTable.ts"

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
  const places = new Map<Connection, Place<Connection>>()
  let open: Array<Connection> = []
  for (const step of plays) {
    const kind = step % 10
    const chosen = open[Math.floor(step / 10) % Math.max(1, open.length)]
    if (kind <= 5) {
      const added = { address: `10.0.0.${kind}`, isBusy: false }
      const before = [...open]
      const verdict = table.add(added, added.address)
      if (verdict._tag !== "Refused") places.set(added, verdict.place)
      if (verdict._tag !== "Refused")
        open = [...open.filter((one) => verdict._tag !== "KeptInsteadOf" || one !== verdict.closed), added]
      check(verdict, before, added)
    } else if (chosen !== undefined) {
      if (kind === 6) {
        table.touch(places.get(chosen)!)
        open = [...open.filter((one) => one !== chosen), chosen]
      } else if (kind === 7) {
        table.remove(places.get(chosen)!)
        open = open.filter((one) => one !== chosen)
      } else chosen.isBusy = kind === 8
    }
    assert.deepStrictEqual(table.all, open)
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
    "closes the oldest that waits, of the same address where that one is full, else of an address with the most",
    [steps],
    ([plays]) => {
      play(plays, (verdict, before, added) => {
        const of = (address: string) => before.filter((one) => one.address === address)
        const most = Math.max(0, ...before.map(({ address }) => of(address).length))
        const isAddressFull = of(added.address).length >= limits.perAddress
        if (!isAddressFull && before.length < limits.total) return assert.strictEqual(verdict._tag, "Kept")
        const pools = isAddressFull
          ? [of(added.address)]
          : [...new Set(before.map(({ address }) => address))].map(of).filter(({ length }) => length === most)
        const oldest = pools.map((pool) => pool.find(({ isBusy }) => !isBusy))
        if (verdict._tag === "KeptInsteadOf" && !oldest.includes(verdict.closed)) {
          // Only when none of a largest address waits.
          assert.include(oldest, undefined)
          assert.isFalse(isAddressFull)
          assert.strictEqual(
            verdict.closed,
            before.find(({ isBusy }) => !isBusy)
          )
        }
        if (verdict._tag === "Refused")
          assert.isTrue((isAddressFull ? of(added.address) : before).every(({ isBusy }) => isBusy))
        assert.notStrictEqual(verdict._tag, "Kept")
      })
    },
    cases(500)
  )

  it("closes none of the address with fewer connections, whatever their age", () => {
    const table = new ConnectionTable<string>({ total: 4, perAddress: 3 }, () => true)
    table.add("honest", "10.0.0.1")
    for (const one of ["a", "b", "c"]) table.add(one, "10.0.0.2")
    const verdict = table.add("other", "10.0.0.3")
    assert.strictEqual(verdict._tag === "KeptInsteadOf" ? verdict.closed : verdict._tag, "a")
  })

  it("looks at a bounded number of connections before it refuses", () => {
    let asked = 0
    const table = new ConnectionTable<number>({ total: 1_000, perAddress: 1_000 }, () => {
      asked += 1
      return false
    })
    for (let n = 0; n < 1_000; n++) table.add(n, "a")
    assert.strictEqual(table.add(1_000, "b")._tag, "Refused")
    assert.isAtMost(asked, 128)
  })
})

describe("a connection that is kept apart", () => {
  const filled = (total: number, perAddress: number) => {
    const table = new ConnectionTable<Connection>({ total, perAddress }, ({ isBusy }) => !isBusy)
    const add = (address: string, isBusy = false) => table.add({ address, isBusy }, address)
    const kept = (verdict: ReturnType<typeof add>) => {
      if (verdict._tag !== "Kept") throw new Error(verdict._tag)
      return verdict.place
    }
    return { table, add, kept }
  }

  it("counts in the total and not for its address, and makes room for no other", () => {
    const { table, add, kept } = filled(4, 2)
    const apart = [kept(add("one")), kept(add("one"))]
    for (const place of apart) table.keepApart(place)
    assert.strictEqual(table.size, 2)
    kept(add("one"))
    kept(add("one"))
    const verdict = add("two")
    assert.strictEqual(verdict._tag, "KeptInsteadOf")
    assert.strictEqual(table.size, 4)
    assert.strictEqual(table.all.length, 2)
  })

  it("is removed once, and leaves its place", () => {
    const { table, add, kept } = filled(1, 1)
    const place = kept(add("one", true))
    table.keepApart(place)
    table.keepApart(place)
    assert.strictEqual(add("two")._tag, "Refused")
    table.remove(place)
    table.remove(place)
    assert.strictEqual(table.size, 0)
    assert.strictEqual(add("two")._tag, "Kept")
  })
})
