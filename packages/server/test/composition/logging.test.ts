/** What a log line looks like, whatever stands in it: one line, no control character, and nothing that passes for something else. */
import { assert, describe, it } from "@effect/vitest"
import { cases, texts } from "../../../core/test/support/arbitraries.ts"
import { jsonLine, prettyLine } from "../../src/composition/logging.ts"

const entry = {
  level: "INFO",
  fiberId: "#1",
  timestamp: "2026-11-21T18:29:19.471Z",
  message: "request" as unknown,
  cause: undefined as string | undefined,
  annotations: {} as Record<string, unknown>,
  spans: {}
}

const forged = "live/a\n18:29:20.000 INFO  ready \u001b[31mred\u009b2J"

describe("a log line", () => {
  it.prop(
    "is one line of printable characters, whatever is said and noted",
    [texts, texts],
    ([message, path]) => {
      for (const line of [
        prettyLine({ ...entry, message, annotations: { path } }, false),
        jsonLine({ ...entry, message, annotations: { path } })
      ]) {
        assert.notMatch(line, /\p{Cc}/u)
      }
    },
    cases(1_000)
  )

  it.prop(
    "as JSON says what was noted, to the letter",
    [texts],
    ([path]) => {
      const line = JSON.parse(jsonLine({ ...entry, annotations: { path } }))
      assert.deepStrictEqual(line, { time: entry.timestamp, level: "info", message: "request", path })
    },
    cases(1_000)
  )

  it("for people leaves words as they are, and puts into quotes what would pass for another annotation", () => {
    const annotations = {
      method: "GET",
      route: null,
      path: "",
      reason: "exit code 0",
      status: 200,
      name: "a=b",
      tracks: ["H264"]
    }
    assert.strictEqual(
      prettyLine({ ...entry, annotations }, false),
      '18:29:19.471 INFO  request method=GET reason="exit code 0" status=200 name="a=b" tracks=["H264"]'
    )
    assert.strictEqual(
      prettyLine({ ...entry, annotations: { path: forged } }, false),
      '18:29:19.471 INFO  request path="live/a\\n18:29:20.000 INFO  ready \\u001b[31mred\\u009b2J"'
    )
  })

  it("for people has a cause below it, indented, and colours on a terminal alone", () => {
    const failed = { ...entry, level: "ERROR", cause: "Error: it broke\nat there" }
    assert.strictEqual(prettyLine(failed, false), "18:29:19.471 ERROR request\nError: it broke\n    at there")
    assert.strictEqual(
      prettyLine(failed, true),
      "\u001b[31m18:29:19.471 ERROR request\u001b[0m\nError: it broke\n    at there"
    )
  })
})
