/** What a look shows on a path and in no list. */
import { assert, it } from "@effect/vitest"
import { nextUnlisted, noneUnlisted } from "../../src/domain/reconciliation/MediaServerSnapshot.ts"

const look = (listed: ReadonlyArray<string>, onPaths: ReadonlyArray<string>) =>
  ({ sources: listed.map((id) => ({ id })), paths: onPaths.map((sourceId) => ({ sourceId })) }) as never

it("an id lasts in no list when two looks in a row show it on a path alone", () => {
  const first = nextUnlisted(noneUnlisted, look(["a"], ["a", "b", "c"]))
  assert.deepStrictEqual([...first.last], ["b", "c"])
  assert.deepStrictEqual([...first.lasting], [])
  const second = nextUnlisted(first, look(["b"], ["b", "c", "d"]))
  assert.deepStrictEqual([...second.last], ["c", "d"])
  assert.deepStrictEqual([...second.lasting], ["c"])
  assert.deepStrictEqual(nextUnlisted(second, look([], [])), noneUnlisted)
})
