/** When the three agree, and for how long they did not: one that is silent, or late on one path, is noticed. */
import { assert, describe, it } from "@effect/vitest"
import { agreementOf, type Views } from "./Agreement.ts"

const on = (...sources: ReadonlyArray<string>) => new Map(sources.map((source) => [`live/${source[0]}`, source]))
const views = (api: ReadonlyArray<string>, store = api, mediaServer = api): Views => ({
  api: on(...api),
  store: on(...store),
  mediaServer: on(...mediaServer)
})
const looks = (seen: ReadonlyArray<Views | string>) => seen.map((one, n) => ({ at: 10_000 + n * 1_000, seen: one }))
const agreement = (...seen: ReadonlyArray<Views | string>) => agreementOf(looks(seen), 9_000)

describe("the agreement of the three", () => {
  it("is there at once when nobody differs, and says of how many paths", () => {
    assert.deepStrictEqual(agreement(views(["a1", "b1"])), { first: 1_000, longest: { millis: 0, what: "" }, paths: 2 })
  })
  it("is broken by each of the three alone, by another source on the path as by nobody on it", () => {
    for (const wrong of [["a1"], ["a1", "b2"], ["a1", "b1", "c1"]]) {
      const right = ["a1", "b1"]
      for (const seen of [views(wrong, right, right), views(right, wrong, right), views(right, right, wrong)]) {
        const { first, longest } = agreement(seen, seen)
        assert.deepStrictEqual([first, longest.millis], [null, 2_000])
      }
    }
  })
  it("is counted a path at a time, from the look before the first that differs", () => {
    const [both, noA, noB] = [views(["a1", "b1"]), views(["b1"], ["a1", "b1"]), views(["a1"], ["a1", "b1"])]
    const { first, longest } = agreement(both, noA, noA, noB, both, noA)
    assert.deepStrictEqual([first, longest.millis], [1_000, 2_000])
    assert.match(longest.what, /live\/a: API undefined, store a1, MediaMTX b?a?/)
  })
  it("is not there while one of them says nothing, however little the others say", () => {
    const silent = agreement("the API answers 503", "the API answers 503")
    assert.deepStrictEqual(silent, { first: null, longest: { millis: 2_000, what: "the API answers 503" }, paths: 0 })
  })
})
