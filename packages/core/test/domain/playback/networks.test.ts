/** Networks of both IP versions, against a reference that counts bits. */
import { assert, describe, it } from "@effect/vitest"
import { isInNetwork, Network } from "@greenroom/core"
import { Arbitrary, Schema } from "effect"
import { cases, integer } from "../../support/arbitraries.ts"

const v4 = (n: number): string => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join(".")
const bitsOf = (n: number): string => (n >>> 0).toString(2).padStart(32, "0")
const numbers = integer(0, 2 ** 32 - 1)
const near = Arbitrary.map(Arbitrary.all({ n: numbers, flip: integer(0, 31) }), ({ n, flip }) => ({
  n,
  other: (n ^ (1 << flip)) >>> 0
}))
const isNetwork = Schema.is(Network)

describe("networks", () => {
  it.prop(
    "an address is in a network when their first bits are the same",
    [near, integer(0, 32)],
    ([{ n, other }, bits]) => {
      assert.isTrue(isNetwork(`${v4(n)}/${bits}`))
      assert.isTrue(isInNetwork(v4(n), `${v4(n)}/${bits}`))
      assert.strictEqual(
        isInNetwork(v4(other), `${v4(n)}/${bits}`),
        bitsOf(n).slice(0, bits) === bitsOf(other).slice(0, bits)
      )
    },
    cases(500)
  )

  it.prop(
    "an IPv4 address that is written as an IPv6 one is the same address, in a client's address and in a network",
    [near, integer(0, 32)],
    ([{ n, other }, bits]) => {
      const plain = isInNetwork(v4(other), `${v4(n)}/${bits}`)
      assert.strictEqual(isInNetwork(`::ffff:${v4(other)}`, `${v4(n)}/${bits}`), plain)
      assert.strictEqual(isInNetwork(v4(other), `::ffff:${v4(n)}/${bits + 96}`), plain)
    },
    cases(300)
  )

  it("IPv6", () => {
    assert.isTrue(isInNetwork("2001:db8:1:2::7", "2001:db8::/32"))
    assert.isFalse(isInNetwork("2001:db9::7", "2001:db8::/32"))
    assert.isTrue(isInNetwork("2001:DB8::7", "2001:db8:0:0::7"))
    assert.isFalse(isInNetwork("192.0.2.7", "::/0"))
    assert.isFalse(isInNetwork("2001:db8::7", "0.0.0.0/0"))
  })

  it("what is no network is refused, and no address is in it", () => {
    for (const text of [
      "",
      "192.0.2",
      "192.0.2.0/33",
      "192.0.2.256",
      "0x7f.1",
      "2001:db8::/129",
      "a",
      "192.0.2.0/",
      "1"
    ]) {
      assert.isFalse(isNetwork(text), text)
      assert.isFalse(isInNetwork("192.0.2.7", text), text)
    }
    for (const text of ["", "nonsense", "192.0.2", "300.1.1.1"]) assert.isFalse(isInNetwork(text, "0.0.0.0/0"), text)
  })
})
