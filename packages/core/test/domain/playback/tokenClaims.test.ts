/** Claims as they are signed and read again, and which of them are none. */
import { assert, describe, it } from "@effect/vitest"
import { PathPattern, readClaims, signedClaims, ViewerId } from "@greenroom/core"
import { Option, Schema } from "effect"
import { cases, element, jsonValues } from "../../support/arbitraries.ts"
import { claims } from "../../support/playback.ts"

describe("claims", () => {
  it.prop(
    "what was signed is read again",
    [claims],
    ([given]) => {
      const payload = JSON.parse(JSON.stringify(signedClaims(given)))
      assert.deepStrictEqual(Option.getOrNull(readClaims(payload)), given)
    },
    cases(500)
  )

  it.prop(
    "nothing else is claims: total over every JSON value",
    [jsonValues],
    ([value]) => assert.isTrue(Option.isNone(readClaims(value))),
    cases(300)
  )

  it.prop(
    "exactly one thing is what a token is for, and each claim has its form",
    [
      claims,
      element([
        { path: "a", pattern: "**" },
        { path: undefined, stream: undefined, broadcaster: undefined, pattern: undefined },
        { exp: "soon" },
        { exp: undefined },
        { iat: -1 },
        { exp: 30 * 86_400 + 1, iat: 0 },
        { jti: "short" },
        { act: [] },
        { act: ["publish"] },
        { max: 0 },
        { max: 1.5 },
        { ips: [] },
        { ips: Array(11).fill("192.0.2.1") },
        { ips: ["nowhere"] },
        { sub: "with space" },
        { sub: `sk_${"x".repeat(43)}` }
      ])
    ],
    ([given, change]) => {
      const payload = JSON.parse(JSON.stringify({ ...signedClaims(given), ...change }))
      const isWhole = "path" in change && change.path === "a" && given.coverage._tag === "Pattern"
      if (isWhole) return
      assert.isTrue(Option.isNone(readClaims(payload)), JSON.stringify(payload))
    },
    cases(500)
  )

  it("claims of others are let be", () => {
    const payload = { jti: "x7Kd02mQpL9vTz41", iat: 1, exp: 2, path: "live/a", aud: "elsewhere", iss: "me" }
    assert.isTrue(Option.isSome(readClaims(payload)))
  })
})

describe("patterns", () => {
  it("one for every path is written **, and nothing else is", () => {
    const isPattern = Schema.is(PathPattern)
    for (const good of ["**", "live/*", "live/**", "a/b/*"]) assert.isTrue(isPattern(good), good)
    for (const bad of ["*", "", "/**", "live", "live/**/x", "***", "live*", "**/x", "a//*"]) {
      assert.isFalse(isPattern(bad), bad)
    }
  })

  it("a viewer's id is no key", () => {
    const isViewer = Schema.is(ViewerId)
    for (const good of ["u", "user@example.com", "a".repeat(64), "sk", "skate"]) assert.isTrue(isViewer(good), good)
    for (const bad of ["", "a".repeat(65), "a b", "ö", "sk_1", "gr_1", "a/b"]) assert.isFalse(isViewer(bad), bad)
  })
})
