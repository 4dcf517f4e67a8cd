/** Which decisions are one, what is merged, and that nothing grows without a bound. */
import { assert, describe, it } from "@effect/vitest"
import type { DecisionContent, DecisionId, StreamKeyId } from "@greenroom/core"
import {
  DecisionGroups,
  DISTINCT_MAX,
  FIRST_ASK_MS,
  UNKNOWN_MAX,
  WAITING_MAX,
  WINDOW_MS
} from "../../src/decisions/DecisionGroups.ts"
import { keyId, streamId, uuid } from "../support/arbitraries.ts"

const content = (more: Partial<DecisionContent> = {}): DecisionContent => ({
  action: "publish",
  path: "live/1",
  protocol: "rtmp",
  ip: "192.0.2.1",
  userAgent: null,
  outcome: "refuse",
  reason: "invalid_stream_key",
  rule: "invalid_stream_key",
  detail: "No such stream key",
  facts: null,
  keyPrefix: "sk_abcd",
  streamKeyId: null,
  streamId: null,
  ...more
})

const someGroups = () => {
  const groups = new DecisionGroups()
  let ids = 0
  const newId = () => uuid(++ids) as DecisionId
  const add = (more: Partial<DecisionContent> = {}, now = 0, sourceId: string | null = null, isFirstAsk = false) =>
    groups.add({ content: content(more), isFirstAsk, sourceId }, now, newId)
  const due = (now = 0) => groups.due(now, 1_000_000)
  return { groups, add, due }
}

const noKey = { rule: "no_key", reason: "unauthorized", keyPrefix: null } as const

describe("decisions of this process", () => {
  it("equal ones within a minute have one id and a count; the next minute begins anew", () => {
    const { add, due } = someGroups()
    const first = add({}, 0)
    assert.strictEqual(add({ detail: "In other words" }, 1_000), first)
    assert.strictEqual(add({}, WINDOW_MS - 1), first)
    const next = add({}, WINDOW_MS)
    assert.notStrictEqual(next, first)
    const shown = due(WINDOW_MS).map(({ id, count, first, last }) => [id, count, first, last])
    assert.deepStrictEqual(shown, [
      [first, 3, 0, WINDOW_MS - 1],
      [next, 1, WINDOW_MS, WINDOW_MS]
    ])
  })

  it.each([
    [{ path: "live/2" }],
    [{ ip: "192.0.2.2" }],
    [{ rule: "key_misplaced" }],
    [{ protocol: "srt" }],
    [{ keyPrefix: "sk_wxyz" }],
    [{ streamKeyId: keyId(1) }],
    [{ outcome: "allow", rule: "admitted", reason: null, streamId: streamId(1) }]
  ] as ReadonlyArray<[Partial<DecisionContent>]>)("one that differs in %j is another", (more) => {
    const { add } = someGroups()
    assert.notStrictEqual(add(), add(more))
  })

  it("what was written waits no more, unless it has grown meanwhile", () => {
    const { groups, add, due } = someGroups()
    const one = add()
    const two = add({ path: "live/2" })
    const batch = due().map((group) => ({ group, count: group.count }))
    add()
    groups.written(batch)
    assert.deepStrictEqual(
      due().map(({ id, count }) => [id, count]),
      [[one, 2]]
    )
    assert.strictEqual(add({ path: "live/2" }), two, "the minute is not over")
    assert.strictEqual(groups.waiting, 2)
  })

  it("different paths of one address are merged beyond a bound, and those about a key that is known, too", () => {
    for (const streamKeyId of [null, keyId(1)]) {
      const { add, due } = someGroups()
      const ids = Array.from({ length: 3 * DISTINCT_MAX }, (_, nth) => add({ streamKeyId, path: `live/${nth}` }))
      assert.strictEqual(new Set(ids).size, DISTINCT_MAX + 1)
      const last = due().at(-1)!
      assert.deepStrictEqual([last.count, last.content.path, last.content.ip], [2 * DISTINCT_MAX, null, "192.0.2.1"])
      const other = add({ streamKeyId, rule: "path_malformed", path: "live/0" })
      assert.notInclude(ids, other)
    }
  })

  it("a flood from any number of addresses leaves room for what concerns known keys", () => {
    const { add, due } = someGroups()
    for (let nth = 0; nth < 5 * UNKNOWN_MAX; nth++) add({ ip: `2001:db8::${nth}`, path: `live/${nth}` })
    const flooded = due().length
    assert.strictEqual(flooded, UNKNOWN_MAX + 1)
    const { content, count } = due().at(-1)!
    assert.deepStrictEqual([content.ip, content.path, count], [null, null, 4 * UNKNOWN_MAX])
    const keys = Array.from({ length: 50 }, (_, nth) => add({ streamKeyId: uuid(nth) as StreamKeyId, path: "live/1" }))
    assert.strictEqual(new Set(keys).size, 50)
    assert.strictEqual(due().length, flooded + 50)
  })

  it("while nothing can be written, the oldest are dropped and counted", () => {
    const { groups, add, due } = someGroups()
    const allow = (nth: number) =>
      add({ outcome: "allow", reason: null, rule: "admitted", streamKeyId: uuid(nth) as StreamKeyId })
    const first = allow(0)
    for (let nth = 1; nth < WAITING_MAX + 10; nth++) allow(nth)
    assert.strictEqual(groups.waiting, WAITING_MAX)
    assert.notInclude(
      due().map(({ id }) => id),
      first
    )
    assert.deepStrictEqual([groups.takeDropped(), groups.takeDropped()], [10, 0])
    groups.drop(due().slice(0, 3))
    assert.deepStrictEqual([groups.takeDropped(), groups.waiting], [3, WAITING_MAX - 3])
  })

  it("a call without a key that is followed by one with a key leaves nothing", () => {
    const { add, due, groups } = someGroups()
    add(noKey, 0, "one", true)
    assert.deepStrictEqual(due(FIRST_ASK_MS - 1), [])
    add({ outcome: "allow", rule: "admitted", reason: null }, 20, "one")
    assert.deepStrictEqual(
      due(FIRST_ASK_MS).map(({ content }) => content.rule),
      ["admitted"]
    )
    assert.strictEqual(groups.waiting, 1)
  })

  it("calls without a key that nothing follows are one record, with those alone that nothing followed", () => {
    const { add, due } = someGroups()
    const id = add(noKey, 0, "one", true)
    add(noKey, 10, "two", true)
    add(noKey, 20, "three", true)
    add({}, 30, "two")
    const [record] = due(FIRST_ASK_MS)
    assert.deepStrictEqual([record!.id, record!.count, record!.content.rule], [id, 2, "no_key"])
  })
})
