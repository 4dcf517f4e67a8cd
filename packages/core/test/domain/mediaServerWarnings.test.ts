/** Which facts about a media server give which warning, and that none of them is given to one that is as it should be. */
import { assert, describe, it } from "@effect/vitest"
import { type MediaServerFacts, recommendedFacts } from "@greenroom/core"
import { compareReleases, type Release, readRelease } from "@greenroom/core/internal"
import { Arbitrary } from "effect"
import {
  asksAboutPublishers,
  type MediaServerWarningKind,
  mediaServerWarningKinds,
  mediaServerWarnings
} from "../../src/domain/reconciliation/mediaServerWarnings.ts"
import { boolean, cases, element, integer } from "../support/arbitraries.ts"

const kindsOf = (facts: MediaServerFacts, takeover = false): ReadonlyArray<MediaServerWarningKind> =>
  mediaServerWarnings(facts, { takeover }).map(({ kind }) => kind)

describe("mediaServerWarnings", () => {
  it("has none for the tested release, configured as the documents say, nor for one that says nothing of itself but its age", () => {
    assert.deepStrictEqual(kindsOf(recommendedFacts, true), [])
    assert.deepStrictEqual(kindsOf({ ...recommendedFacts, moq: "on" }), [])
    const silent = { version: null, authMethod: null, overridePublisher: null, readTimeoutMillis: null }
    assert.deepStrictEqual(kindsOf({ ...recommendedFacts, ...silent }, true), ["auth_without_timeout"])
  })

  const cases: ReadonlyArray<readonly [Partial<MediaServerFacts>, MediaServerWarningKind]> = [
    [{ version: "v1.8.5" }, "version_too_old"],
    [{ version: "v0.23.8" }, "version_too_old"],
    [{ version: "v1.20.2" }, "version_not_tested"],
    [{ version: "v1.21.1" }, "version_not_tested"],
    [{ version: "v2.0.0" }, "version_not_tested"],
    [{ authMethod: "internal" }, "publishers_not_asked"],
    [{ authMethod: "jwt" }, "publishers_not_asked"],
    [{ authExcludes: ["publish"] }, "publishers_not_asked"],
    [{ authExcludes: ["read"] }, "viewers_not_asked"],
    [{ authExcludes: ["playback"] }, "viewers_not_asked"],
    [{ authExcludes: ["api", "metrics", "pprof"] }, "control_api_open"],
    [{ moq: "on, but not listed" }, "moq_not_listed"],
    [{ version: "v1.16.0" }, "auth_without_timeout"],
    [{ version: null }, "auth_without_timeout"],
    [{ rtspOverUdp: true }, "rtsp_over_udp"],
    [{ readTimeoutMillis: 1_999 }, "read_timeout_short"]
  ]
  it.each(cases)("%o: %s", (facts, kind) => {
    assert.include(kindsOf({ ...recommendedFacts, ...facts }), kind)
  })

  it("is silent on the recommendedFacts side of each boundary", () => {
    for (const version of ["v1.9.0", "v1.16.1", "v1.20.1", "v0.0.0", "dev"]) {
      const found = kindsOf({ ...recommendedFacts, version })
      assert.deepStrictEqual(found, version === "v1.9.0" ? ["auth_without_timeout"] : [], version)
    }
    assert.deepStrictEqual(
      kindsOf({ ...recommendedFacts, readTimeoutMillis: 2_000, authExcludes: ["metrics", "pprof"] }),
      []
    )
  })

  it("finds overridePublisher only where newcomers take over", () => {
    const facts = { ...recommendedFacts, overridePublisher: false }
    assert.deepStrictEqual([kindsOf(facts, true), kindsOf(facts)], [["takeover_without_override"], []])
  })

  it.prop(
    "gives each kind once at most, with a sentence that says what to do",
    [
      Arbitrary.all({
        version: element([null, "v1.8.0", "v1.16.0", "v1.20.1", "v1.21.1", "x"]),
        authMethod: element([null, "http", "internal"]),
        authExcludes: Arbitrary.array(element(["publish", "read", "playback", "api", "metrics", "pprof"] as const), {
          maxLength: 6
        }),
        moq: element(["off", "on", "on, but not listed"] as const),
        overridePublisher: element([null, true, false]),
        readTimeoutMillis: element([null, 0, 1_999, 2_000]),
        hlsSegmentMillis: element([null, 1_000]),
        rtspOverUdp: boolean
      }),
      boolean
    ],
    ([facts, takeover]) => {
      const found = mediaServerWarnings(facts, { takeover })
      const kinds = found.map(({ kind }) => kind)
      assert.strictEqual(new Set(kinds).size, kinds.length)
      assert.includeMembers([...mediaServerWarningKinds], kinds)
      for (const { detail } of found) assert.match(detail, /\b([Tt]ake|[Ss]et|read its release notes)\b/)
      assert.strictEqual(kinds.includes("publishers_not_asked"), !asksAboutPublishers(facts))
    }
  )
})

describe("releases", () => {
  const part = integer(0, 30)
  it.prop(
    "are read from what the media server says, and are in order",
    [part, part, part, part, part, part],
    ([a, b, c, d, e, f]) => {
      const one: Release = [a + 1, b, c]
      const other: Release = [d + 1, e, f]
      for (const text of [`v${one.join(".")}`, one.join("."), `v${one.join(".")}-3-gabcdef0`]) {
        assert.deepStrictEqual(readRelease(text), one)
      }
      assert.strictEqual(Math.sign(compareReleases(one, other)), -Math.sign(compareReleases(other, one)) + 0)
      assert.strictEqual(compareReleases(one, one), 0)
      if (one[0] > other[0]) assert.isAbove(compareReleases(one, other), 0)
    },
    cases(200)
  )

  it("are none in other texts", () => {
    for (const text of ["", "dev", "v0.0.0", "1.2", "v1.2.x", "version 1.2.3"]) assert.isNull(readRelease(text), text)
  })
})
