/** The grammar of paths and of limits against references of their own, and that no key survives in a text that is shown. */
import { assert, describe, it } from "@effect/vitest"
import {
  containsKey,
  ingestPath,
  NewPathLimit,
  PathLimitText,
  parseLimit,
  StreamPath,
  within,
  withoutKeys
} from "@greenroom/core"
import { Arbitrary, Exit, Schema } from "effect"
import { LIMIT_MAX_LENGTH, pathComplaint } from "../../src/domain/access/StreamPath.ts"
import {
  cases,
  element,
  integer,
  joined,
  keyId,
  keyValues,
  limitTexts,
  oneOf,
  pathish,
  segments,
  texts,
  validPaths
} from "../support/arbitraries.ts"
import { assertNoKey } from "../support/refusals.ts"

const isPath = Schema.is(StreamPath)
const isLimit = Schema.is(PathLimitText)

/** MediaMTX's own words (`^[0-9a-zA-Z_\-/\.~:]+$`, no slash at either end, no dot segments), less empty segments. */
const reference = (path: string): boolean =>
  path.length <= 1_000 &&
  /^[0-9a-zA-Z_\-/.~:]+$/.test(path) &&
  !/^\/|\/$|\/\//.test(path) &&
  !/(^|\/)\.{1,2}(\/|$)/.test(path)

const referenceWithin = (limit: string, path: string): boolean => {
  const parts = limit.split("/")
  const last = parts.at(-1)
  const own = path.split("/")
  if (last !== "*" && last !== "**") return limit === path
  const base = parts.slice(0, -1)
  return (
    base.every((part, index) => own[index] === part) &&
    (last === "*" ? own.length === base.length + 1 : own.length > base.length)
  )
}

describe("pathComplaint", () => {
  it.prop(
    "agrees with MediaMTX's grammar, less empty segments",
    [pathish],
    ([path]) => assert.strictEqual(pathComplaint(path) === undefined, reference(path), JSON.stringify(path)),
    cases(3_000)
  )

  it.prop("takes every path of the grammar", [validPaths], ([path]) => assert.isUndefined(pathComplaint(path)), cases())

  it("counts to a thousand characters", () => {
    assert.isUndefined(pathComplaint("a".repeat(1000)))
    assert.match(pathComplaint("a".repeat(1001))!, /at most 1000/)
  })

  it("names what is wrong", () => {
    assert.match(pathComplaint("")!, /such as live/)
    for (const path of ["/a", "a/", "a//b", "/"]) assert.match(pathComplaint(path)!, /empty segments/)
    for (const path of [".", "a/..", "../a", "a/./b"]) assert.match(pathComplaint(path)!, /dot segments/)
    for (const path of ["a b", "é", "a\n", "a%2Fb", "a?b", "*"]) assert.match(pathComplaint(path)!, /letters, digits/)
  })
})

describe("StreamPath", () => {
  it.prop(
    "is a path of the grammar without a stream key",
    [
      oneOf([
        pathish,
        Arbitrary.map(keyValues, (key) => `live/${key}`),
        Arbitrary.map(keyValues, (key) => key.slice(0, -1))
      ])
    ],
    ([path]) => assert.strictEqual(isPath(path), reference(path) && !/sk_[\w-]{43}/.test(path)),
    cases(1_000)
  )
})

const bases = oneOf([validPaths, Arbitrary.map(integer(0, 14), (n) => "b".repeat(986 + n))])
const anyLimit = oneOf([
  limitTexts,
  Arbitrary.map(Arbitrary.all([bases, element(["", "/*", "/**"])]), ([base, end]) => base + end),
  Arbitrary.map(Arbitrary.all([pathish, element(["", "/*", "/**", "*", "/***"])]), ([base, end]) => base + end),
  Arbitrary.map(Arbitrary.all([keyValues, element(["", "/*", "/**"])]), ([base, end]) => base + end)
])

describe("PathLimitText", () => {
  it.prop(
    "takes every path, and a path with one star or two below it",
    [limitTexts],
    ([text]) => assert.isTrue(isLimit(text)),
    cases()
  )

  it.prop(
    "takes nothing but a path or a pattern of one, without a key, with room for the key's own segment",
    [anyLimit],
    ([text]) => {
      const [, base, stars] = /^(.*?)(\/\*{1,2})?$/s.exec(text)!
      const room = stars === undefined ? 0 : 1 + 8
      const good = reference(base!) && base!.length + room <= 1_000 && !/sk_[\w-]{43}/.test(base!)
      assert.strictEqual(isLimit(text), good, JSON.stringify(text))
    },
    cases(2_000)
  )
})

/** Shorter by what is appended to a pattern's beginning. */
const isNewLimit = (text: string) => isLimit(text) && !/[~:]/.test(text) && text.length <= LIMIT_MAX_LENGTH

describe("NewPathLimit", () => {
  it.prop(
    "takes the limits that the present MediaMTX has paths for: those without ~ and :",
    [anyLimit],
    ([text]) => assert.strictEqual(Schema.is(NewPathLimit)(text), isNewLimit(text)),
    cases(2_000)
  )

  it.prop(
    "is described by one pattern, which says the same; so is a path",
    [anyLimit],
    ([text]) => {
      for (const [schema, isRight] of [
        [NewPathLimit, Schema.is(NewPathLimit)],
        [StreamPath, Schema.is(StreamPath)]
      ] as const) {
        const { pattern, maxLength } = Schema.toJsonSchemaDocument(schema).schema
        const described = text.length <= Number(maxLength) && new RegExp(String(pattern), "u").test(text)
        assert.strictEqual(described, isRight(text), text)
      }
    },
    cases(2_000)
  )

  it("says what is allowed", () => {
    for (const text of ["live/a:b", "live/~a", "~/*", "a b"]) {
      const exit = Schema.decodeUnknownExit(NewPathLimit)(text)
      assert.include(Exit.isFailure(exit) ? String(exit.cause) : "", "letters, digits and _ - . between slashes", text)
    }
  })
})

describe("parseLimit", () => {
  it.prop(
    "reads back what was typed",
    [limitTexts],
    ([text]) => {
      const limit = parseLimit(text)
      const typed = limit._tag === "Exact" ? limit.path : `${limit.base}/${limit._tag === "Child" ? "*" : "**"}`
      assert.strictEqual(typed, text)
      if (limit._tag !== "Exact") assert.isUndefined(pathComplaint(limit.base))
    },
    cases()
  )
})

describe("within", () => {
  const related = Arbitrary.flatMap(limitTexts, (limit) => {
    const base = limit.replace(/\/\*+$/, "")
    return Arbitrary.map(
      oneOf([
        validPaths,
        element([
          base,
          `${base}/a`,
          `${base}/a/b`,
          `${base}x`,
          `${base}x/a`,
          `x/${base}`,
          `x${base}/a`,
          base.slice(0, -1),
          `${base}/`
        ]),
        Arbitrary.map(joined(segments, 1, 3, "/"), (rest) => `${base}/${rest}`)
      ]),
      (path) => ({ limit, path })
    )
  })
  it.prop(
    "agrees with a reference that compares segment by segment",
    [related],
    ([{ limit, path }]) => {
      if (reference(path)) assert.strictEqual(within(parseLimit(limit), path), referenceWithin(limit, path))
    },
    cases(2_000)
  )

  it.prop("is always so without a limit", [validPaths], ([path]) => assert.isTrue(within(null, path)), cases(20))

  it("is not so for the base itself, nor for a neighbour that only begins alike", () => {
    for (const path of ["live", "live/", "lives/a", "LIVE/a"]) {
      assert.isFalse(within(parseLimit("live/*"), path), path)
      assert.isFalse(within(parseLimit("live/**"), path), path)
    }
    assert.deepStrictEqual(
      [within(parseLimit("live/*"), "live/a/b"), within(parseLimit("live/**"), "live/a/b")],
      [false, true]
    )
  })
})

describe("ingestPath", () => {
  it.prop(
    "is a path within its own limit, and names the key unless the limit is one path",
    [anyLimit, integer(0, 1000)],
    ([text, n]) => {
      if (!isLimit(text)) return
      const limit = parseLimit(text)
      const path = ingestPath(limit, keyId(n))
      assert.isTrue(isPath(path), path)
      assert.isTrue(within(limit, path), path)
      if (limit._tag === "Exact") assert.strictEqual(path, text)
      else assert.strictEqual(path, `${limit.base}/${keyId(n).slice(0, 8)}`)
    },
    cases(2_000)
  )

  it("is below live without a limit", () => {
    assert.strictEqual(ingestPath(null, "0192e4a7-3f5e-7c1c-9d2a-5f0a3a1c7b11"), "live/0192e4a7")
  })
})

describe("withoutKeys", () => {
  const around = oneOf([texts, pathish, element(["sk_", "sk_sk_", "sk_abcd…", "k_", "-", "sk_0123456789012345678"])])
  const cut = integer(0, 23)
  it.prop(
    "leaves of every key, whole or cut, its public beginning",
    [around, keyValues, cut, around, keyValues],
    ([before, key, off, between, second]) => {
      const shown = withoutKeys(`${before}${key.slice(0, key.length - off)}${between}${second}`)
      assertNoKey(shown, key, "the text")
      assertNoKey(shown, second, "the text")
      assert.isFalse(containsKey(shown))
    },
    cases(1_000)
  )

  it.prop(
    "changes nothing the second time, and nothing without a key",
    [around, oneOf([keyValues, element([""])]), around],
    ([before, key, after]) => {
      const shown = withoutKeys(before + key + after)
      assert.strictEqual(withoutKeys(shown), shown)
      if (!/sk_[\w-]{20}/.test(before + key + after)) assert.strictEqual(shown, before + key + after)
    },
    cases(1_000)
  )

  /** Each character as itself or percent-encoded up to three times over, in either case. */
  const encodings = Arbitrary.array(integer(0, 4), { minLength: 46, maxLength: 46 })
  const encoded = (text: string, times: ReadonlyArray<number>): string =>
    [...text]
      .map((one, index) => {
        const hex = one.charCodeAt(0).toString(16)
        const pair = index % 2 === 0 ? hex : hex.toUpperCase()
        return times[index] === 0 ? one : `%${"25".repeat((times[index] ?? 0) - 1)}${pair}`
      })
      .join("")
  it.prop(
    "finds a key behind percent-encoding, whatever stands around it",
    [around, keyValues, encodings, element(["", "%", "%zz", "%2", "/%e0%a4%a", "%25"])],
    ([before, key, times, after]) => {
      const hidden = `${before}/${encoded(key, times)}${after}`
      assert.isTrue(containsKey(hidden))
      const shown = withoutKeys(hidden)
      assert.isFalse(containsKey(shown))
      assert.include(shown, `${key.slice(0, 7)}…`)
      assert.isAtMost(shown.length, before.length + after.length + 9 + 20)
      assert.strictEqual(withoutKeys(shown), shown)
    },
    cases(1_000)
  )

  it("takes a key's beginning that is encoded any number of times, in one pass", () => {
    const deep = "25".repeat(31_000)
    const shown = withoutKeys(`/sk%${deep}5f${"a".repeat(64)}`)
    assert.strictEqual(shown, "/sk_aaaa…")
  })

  it("keeps the first seven characters, for people", () => {
    const key = `sk_abcd${"x".repeat(39)}`
    assert.strictEqual(withoutKeys(`live/${key}/in and ${key.slice(0, 30)}`), "live/sk_abcd…/in and sk_abcd…")
  })
})
