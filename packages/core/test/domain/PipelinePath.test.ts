/** Which paths are a pipeline's. */
import { assert, describe, it } from "@effect/vitest"
import { PipelineId, parseLimit, parsePipelinePath, pipelinePath } from "@greenroom/core"
import { Schema } from "effect"
import { isForOutputsOnly, isWorkerOutput } from "../../src/domain/workers/PipelinePath.ts"
import { cases, element, joined, pathish } from "../support/arbitraries.ts"

const isId = Schema.is(PipelineId)
const ids = joined(element([..."aZ09_-", "studio"]), 1, 20)

describe("a pipeline's path", () => {
  it.prop(
    "is read back as it was made",
    [ids, element(["in", "out"])],
    ([id, direction]) => {
      assert.isTrue(isId(id))
      const path = pipelinePath(PipelineId.make(id), direction)
      assert.deepStrictEqual(parsePipelinePath(path), { id: PipelineId.make(id), direction })
      assert.strictEqual(isWorkerOutput(path), direction === "out")
    },
    cases(300)
  )

  it.prop(
    "has an id that the grammar takes, whatever else somebody sends",
    [pathish],
    ([path]) => {
      const parsed = parsePipelinePath(path)
      if (parsed === null) return
      assert.isTrue(isId(parsed.id))
      assert.strictEqual(pipelinePath(parsed.id, parsed.direction), path)
    },
    cases(1_000)
  )

  it("is not one that only looks like it", () => {
    const near = ["live/a/in\n", "live/a\n/in", "\nlive/a/in", "live//in", "live/a/b/in", "live/a/IN", "LIVE/a/in"]
    const hostile = ["live/a;rm/in", "live/$(id)/in", "live/../in", "live/a b/in", "live/é/in", "live/a/in/", "live/a"]
    for (const path of [...near, ...hostile, `live/${"a".repeat(129)}/in`]) assert.isNull(parsePipelinePath(path), path)
    assert.isNotNull(parsePipelinePath(`live/${"a".repeat(128)}/out`))
    for (const id of ["", "a/b", "a\n", "a b", "é", "a".repeat(129)]) assert.isFalse(isId(id), id)
  })

  it("makes a key useless that is limited to a worker's output", () => {
    assert.isTrue(isForOutputsOnly(parseLimit("live/a/out")))
    for (const limit of ["live/a/in", "live/a/*", "live/**", "live/*", "live/a/b/out", "live/a/out/*"]) {
      assert.isFalse(isForOutputsOnly(parseLimit(limit)), limit)
    }
    assert.isFalse(isForOutputsOnly(null))
  })
})
