/** Ids: one canonical form, so that equal ids are equal strings. */
import { assert, describe, it } from "@effect/vitest"
import { BroadcasterId, StreamId, StreamKeyId } from "@greenroom/core"
import { Arbitrary, Exit, Schema } from "effect"
import { cases, element, joined } from "../support/arbitraries.ts"

const hex = element([..."0123456789abcdefABCDEF"])
const uuids = Arbitrary.map(
  Arbitrary.all([joined(hex, 8, 8), joined(hex, 4, 4), joined(hex, 4, 4), joined(hex, 4, 4), joined(hex, 12, 12)]),
  (groups) => groups.join("-")
)

describe.each([
  ["BroadcasterId", BroadcasterId],
  ["StreamKeyId", StreamKeyId],
  ["StreamId", StreamId]
] as const)("%s", (_, Id) => {
  const decode = Schema.decodeUnknownExit(Id as Schema.Codec<string, string>)

  it.prop(
    "is a UUID in lower case, however it was typed",
    [uuids],
    ([text]) => assert.deepStrictEqual(decode(text), Exit.succeed(text.toLowerCase())),
    cases(100)
  )

  it.prop(
    "is nothing that only looks like one",
    [
      uuids,
      element([
        (s: string) => `${s}0`,
        (s: string) => s.slice(1),
        (s: string) => ` ${s}`,
        (s: string) => `${s}\n`,
        (s: string) => s.replaceAll("-", ""),
        (s: string) => `{${s}}`,
        (s: string) => s.replace(/^./, "g"),
        () => ""
      ])
    ],
    ([text, spoil]) => assert.isTrue(Exit.isFailure(decode(spoil(text)))),
    cases(100)
  )

  it("is canonical inside: upper case is no id", () => {
    assert.isFalse(Schema.is(Id)("0192E4A7-3F5E-7C1C-9D2A-5F0A3A1C7B11"))
    assert.isTrue(Schema.is(Id)("0192e4a7-3f5e-7c1c-9d2a-5f0a3a1c7b11"))
  })
})
