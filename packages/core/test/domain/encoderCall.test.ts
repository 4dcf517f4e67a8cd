/**
 * What an encoder's settings become in the auth call: as recorded with ffmpeg 5.1, curl and a real MediaMTX 1.20.1 (`fixtures/recordedEncoders.json`, where
 * `call` is `null` MediaMTX did not ask, because it takes no such path), and what is refused before.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { type AuthCall, DESCRIBED_ID, type EncoderSettings, encoderCall, readAuthCall } from "@greenroom/core"
import { Redacted } from "effect"
import { refusePath } from "../../src/domain/access/decideAdmission.ts"
import { cases, element, keyValues, oneOf, texts } from "../support/arbitraries.ts"

interface Settings {
  readonly url?: string
  readonly bearer?: string
  readonly server?: string
  readonly stream_key?: string
  readonly streamid?: string
}

const hidden = (text: string) => Redacted.make(text)

const settingsOf = ({ url, bearer, server, stream_key, streamid }: Settings): EncoderSettings =>
  url !== undefined
    ? { _tag: "Url", url: hidden(url), bearer: bearer === undefined ? null : hidden(bearer) }
    : streamid !== undefined
      ? { _tag: "StreamId", streamid: hidden(streamid) }
      : { _tag: "Obs", server: hidden(server ?? ""), streamKey: hidden(stream_key ?? "") }

const plain = (call: AuthCall) => ({
  ...call,
  ...Object.fromEntries(
    (["user", "password", "token", "query"] as const).map((name) => [name, Redacted.value(call[name] ?? hidden(""))])
  )
})

const recorded: ReadonlyArray<{
  readonly settings: Settings
  readonly call: Readonly<Record<string, unknown>> | null
}> = JSON.parse(readFileSync(new URL("../fixtures/recordedEncoders.json", import.meta.url), "utf8"))

describe("what was recorded", () => {
  it.each(recorded.map((row) => [JSON.stringify(row.settings), row] as const))("%s", (_, { settings, call }) => {
    const made = encoderCall(settingsOf(settings))
    if ("_tag" in made) return assert.fail(made.expected)
    if (call === null) assert.isNotNull(refusePath(made.path) ?? (made.protocol === "srt" ? "" : null))
    else assert.deepStrictEqual(plain(made), call)
  })
})

describe("settings with which no encoder gets as far as the auth call", () => {
  it.each([
    [{ url: "live/studio-1" }, "url"],
    [{ url: "ftp://host/live" }, "url"],
    [{ url: "rtmp:///live/x" }, "url"],
    [{ url: "rtmp://host/live/%zz" }, "url"],
    [{ url: "rtsp://host" }, "url"],
    [{ url: "srt://host:8890" }, "url"],
    [{ url: "srt://host:8890?streamid=live/x" }, "url"],
    [{ url: "https://host/live/x" }, "url"],
    [{ server: "https://host/live", stream_key: "x" }, "server"],
    [{ server: "", stream_key: "" }, "server"],
    [{ streamid: "live/x" }, "streamid"],
    [{ streamid: "publish:a:b:c:d:e" }, "streamid"],
    [{ streamid: "#!::m=bidirectional,r=x" }, "streamid"],
    [{ streamid: "#!::m" }, "streamid"]
  ] as const)("%j", (settings, field) => {
    const made = encoderCall(settingsOf(settings))
    if (!("_tag" in made)) return assert.fail("a call")
    assert.strictEqual(made.field, field)
    assert.match(made.expected, /^Expected /)
  })

  it.prop(
    "any text is a call or is refused with a sentence, and the sentence has nothing of it",
    [
      oneOf([texts, keyValues]),
      element(["", "rtmp://", "rtsp://", "srt://", "https://h/", "srt://h?streamid=", "rtmp://h/"])
    ],
    ([text, beginning]) => {
      for (const settings of [
        { url: beginning + text, bearer: text },
        { server: beginning + text, stream_key: text },
        { streamid: text }
      ]) {
        const made = encoderCall(settingsOf(settings))
        if ("_tag" in made) {
          if (text.length > 3) assert.notInclude(made.expected, text)
        } else if (made.action === "publish") assert.notStrictEqual(readAuthCall(made)._tag, "Incomplete")
      }
    },
    cases(1_000)
  )

  it("the id of a described call is one that a connection may have", () => {
    const made = encoderCall(settingsOf({ url: "rtmp://host/live/x" }))
    assert.isTrue(!("_tag" in made) && made.id === DESCRIBED_ID && readAuthCall(made)._tag === "Publish")
  })
})
