/** The limit of wrong secrets: what it counts, when it lets go, and that what it keeps is bounded. */
import { assert, describe, it } from "@effect/vitest"
import {
  FAILURES_ALLOWED,
  FailureLimit,
  NETWORKS_KEPT,
  PROVEN_KEPT,
  PROVEN_MS,
  WINDOW_MS
} from "../../../src/http/throttle/FailureLimit.ts"

const exhaust = (limit: FailureLimit, network: string, now: number) =>
  Array.from({ length: FAILURES_ALLOWED }, () => limit.fail(network, now).begins)

describe("the limit of wrong secrets", () => {
  it("is ten in a minute, then a minute's pause, and is reported once", () => {
    const limit = new FailureLimit()
    assert.deepStrictEqual(
      exhaust(limit, "a", 5),
      Array.from({ length: FAILURES_ALLOWED }, (_, index) => index === FAILURES_ALLOWED - 1)
    )
    assert.deepStrictEqual([limit.waitSeconds("a", 5), limit.waitSeconds("b", 5), limit.throttled(5)], [60, 0, 1])
    assert.deepStrictEqual(
      [4, 5, 6].map((past) => limit.waitSeconds("a", WINDOW_MS + past)),
      [1, 0, 0]
    )
    assert.isFalse(
      exhaust(limit, "a", WINDOW_MS + 5).some((begins) => begins),
      "the same trouble still"
    )
    assert.deepStrictEqual(limit.settle(3 * WINDOW_MS + 4), [])
    assert.deepStrictEqual(limit.settle(3 * WINDOW_MS + 5), ["a"])
    assert.isTrue(exhaust(limit, "a", 4 * WINDOW_MS).some((begins) => begins))
  })

  it("is not reached by fewer in a minute, however long", () => {
    const limit = new FailureLimit()
    for (let index = 0; index < 500; index++) {
      limit.fail("a", (index * WINDOW_MS) / (FAILURES_ALLOWED - 1) + index)
      assert.strictEqual(limit.waitSeconds("a", index * WINDOW_MS), 0)
    }
  })

  it("knows who has proven itself, for a day", () => {
    const limit = new FailureLimit()
    limit.prove("a", 1)
    assert.deepStrictEqual([limit.isProven("a", PROVEN_MS), limit.isProven("a", PROVEN_MS + 1)], [true, false])
    assert.isFalse(limit.isProven("b", 1))
  })

  it("keeps a bounded number of networks, and failures push no proof out", () => {
    const limit = new FailureLimit()
    limit.prove("owner", 0)
    for (let index = 0; index < 3 * NETWORKS_KEPT; index++) limit.fail(`n${index}`, index / 1_000)
    assert.strictEqual(limit.size, NETWORKS_KEPT + 1)
    assert.isTrue(limit.isProven("owner", 100))
    for (let index = 0; index < 2 * PROVEN_KEPT; index++) limit.prove(`p${index}`, 0)
    assert.strictEqual(limit.size, NETWORKS_KEPT + PROVEN_KEPT)
    limit.settle(10 * WINDOW_MS)
    assert.strictEqual(limit.size, PROVEN_KEPT)
  })
})
