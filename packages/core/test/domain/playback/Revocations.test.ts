/** What was revoked: order does not matter, repeating changes nothing, and what cannot matter any more is not kept. */
import { assert, describe, it } from "@effect/vitest"
import {
  addRevocations,
  noRevocations,
  type Revocations,
  type RevokedToken,
  type RevokedViewer,
  whyRevoked
} from "@greenroom/core"
import { Arbitrary } from "effect"
import { broadcasterId, cases, element, integer } from "../../support/arbitraries.ts"
import { ID, NOW_SECONDS as NOW, OTHER_ID, VIEWER } from "../../support/playback.ts"

const tokens: Arbitrary.Arbitrary<ReadonlyArray<RevokedToken>> = Arbitrary.array(
  Arbitrary.all({ id: element([ID, OTHER_ID]), expiresAt: element([NOW + 60, NOW + 60]) }),
  { minLength: 0, maxLength: 3 }
)
const viewers: Arbitrary.Arbitrary<ReadonlyArray<RevokedViewer>> = Arbitrary.array(
  Arbitrary.all({
    viewerId: element([VIEWER]),
    broadcasterId: element([null, broadcasterId(1), broadcasterId(2)]),
    at: Arbitrary.map(integer(0, 5), (seconds) => NOW - seconds),
    until: element([null, NOW + 10, NOW + 100])
  }),
  { minLength: 0, maxLength: 4 }
)

/** What there is, in one order. */
const plain = ({ tokens, viewers }: Revocations) =>
  [...tokens.values(), ...[...viewers.values()].flat()].map((one) => JSON.stringify(one)).sort()

describe("revocations", () => {
  it.prop(
    "in parts as at once, and twice as once",
    [tokens, viewers, viewers],
    ([first, some, others]) => {
      const atOnce = addRevocations(noRevocations, { tokens: first, viewers: [...some, ...others] }, NOW)
      const inParts = addRevocations(
        addRevocations(noRevocations, { tokens: first, viewers: some }, NOW),
        { viewers: others },
        NOW
      )
      assert.deepStrictEqual(plain(inParts), plain(atOnce))
      const again = addRevocations(atOnce, { tokens: first, viewers: [...some, ...others] }, NOW)
      assert.deepStrictEqual(plain(again), plain(atOnce))
    },
    cases(300)
  )

  it.prop(
    "a token that was revoked is, and one of which nothing was said is not",
    [tokens, viewers],
    ([first, some]) => {
      const all = addRevocations(noRevocations, { tokens: first, viewers: some }, NOW)
      const why = (tokenId: typeof ID, viewerId: typeof VIEWER | null, of: ReturnType<typeof broadcasterId> | null) =>
        whyRevoked(all, { tokenId, viewerId, issuedAt: NOW }, of, NOW)
      assert.strictEqual(
        why(ID, null, null) === "token",
        first.some(({ id }) => id === ID)
      )
      const on = some.filter(({ broadcasterId: of }) => of === null)
      const newest = Math.max(...on.map(({ at }) => at))
      const isOut = on.some(({ at, until }) => at === newest && until !== null) || newest === NOW
      if (first.length === 0) assert.strictEqual(why(ID, VIEWER, null), on.length > 0 && isOut ? "viewer" : null)
    },
    cases(300)
  )

  it.prop(
    "none is kept when its time is over",
    [tokens, viewers],
    ([first, some]) => {
      const all = addRevocations(noRevocations, { tokens: first, viewers: some }, NOW)
      assert.deepStrictEqual(plain(addRevocations(all, {}, NOW + 31 * 86_400)), [])
    },
    cases(100)
  )
})
