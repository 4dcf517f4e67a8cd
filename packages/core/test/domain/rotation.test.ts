/** Which keys can be rotated, and that both keys of a rotation have one ingest path. */
import { assert, describe, it } from "@effect/vitest"
import {
  ingestPath,
  parseLimit,
  StreamKeyId,
  successorId,
  type WhyNotRotatable,
  whyNotRotatable
} from "@greenroom/core"
import { Schema } from "effect"
import { at, cases, keyId, limitTexts, NOW } from "../support/arbitraries.ts"

const valid = { id: keyId(1), rotatedTo: null, revokedAt: null, revokesAt: null, expiresAt: null, enabled: true }

describe("whyNotRotatable", () => {
  it("is the first that holds", () => {
    const former = { ...valid, id: keyId(2), revokesAt: at(1) }
    const why = (key: Partial<Omit<typeof valid, "rotatedTo">> & object, before: typeof former | null = null) =>
      whyNotRotatable({ ...valid, ...key }, before, NOW)
    const all: ReadonlyArray<readonly [WhyNotRotatable | null, WhyNotRotatable | null]> = [
      [why({}), null],
      [why({ enabled: false }), null],
      [why({ revokedAt: at(0), rotatedTo: keyId(3) } as never), { _tag: "Revoked" }],
      [why({ revokesAt: at(0), rotatedTo: keyId(3) } as never), { _tag: "Revoked" }],
      [why({ expiresAt: at(0), rotatedTo: keyId(3) } as never), { _tag: "Expired" }],
      [why({ revokesAt: at(1), rotatedTo: keyId(3) } as never, former), { _tag: "RotatedAlready", to: keyId(3) }],
      [why({}, former), { _tag: "OverlapRuns", of: keyId(2) }],
      [why({}, { ...former, enabled: false }), { _tag: "OverlapRuns", of: keyId(2) }],
      [why({}, { ...former, revokesAt: at(0) }), null],
      [why({}, { ...former, expiresAt: at(0) } as never), null]
    ]
    for (const [answer, expected] of all) assert.deepStrictEqual(answer, expected)
  })
})

describe("successorId", () => {
  it.prop(
    "is an id of its own with the ingest path of the old one",
    [StreamKeyId, StreamKeyId, limitTexts],
    ([old, random, limit]) => {
      const id = successorId(old, random)
      assert.isTrue(Schema.is(StreamKeyId)(id))
      assert.strictEqual(id === old, old.slice(8) === random.slice(8))
      for (const each of [null, parseLimit(limit)]) assert.strictEqual(ingestPath(each, id), ingestPath(each, old))
    },
    cases(200)
  )
})
