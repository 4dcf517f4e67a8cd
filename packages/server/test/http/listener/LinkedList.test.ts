/** The list does what an array does, over random comings and goings, and a removed node holds no link. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import { cases, integer } from "../../../../core/test/support/arbitraries.ts"
import { LinkedList, type Node } from "../../../src/http/listener/LinkedList.ts"

/** 0 and 1 add, 2 removes, 3 moves to the end; the digits before choose the node. */
const steps = Arbitrary.array(integer(0, 399), { maxLength: 100 })

describe("a linked list", () => {
  it.prop(
    "has the elements of an array in its order",
    [steps],
    ([plays]) => {
      const list = new LinkedList<number>()
      let nodes: Array<Node<number>> = []
      plays.forEach((play, value) => {
        const chosen = nodes[Math.floor(play / 4) % Math.max(1, nodes.length)]
        if (play % 4 <= 1) nodes.push(list.add(value))
        else if (chosen !== undefined) {
          nodes = nodes.filter((node) => node !== chosen)
          if (play % 4 === 2) {
            list.remove(chosen)
            assert.deepStrictEqual([chosen.before, chosen.after], [null, null])
          } else {
            list.moveToEnd(chosen)
            nodes.push(chosen)
          }
        }
        assert.deepStrictEqual(
          [...list],
          nodes.map((node) => node.value)
        )
        assert.strictEqual(list.size, nodes.length)
      })
    },
    cases(300)
  )

  it("may lose the element that is visited", () => {
    const list = new LinkedList<number>()
    const nodes = new Map([1, 2, 3].map((value) => [value, list.add(value)]))
    const seen: Array<number> = []
    for (const value of list) {
      seen.push(value)
      list.remove(nodes.get(value)!)
    }
    assert.deepStrictEqual(seen, [1, 2, 3])
  })
})
