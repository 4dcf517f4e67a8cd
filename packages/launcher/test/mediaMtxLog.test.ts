/** What is shown of the media server's output, and what is understood from it. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { defaultPorts } from "../src/mediaMtxConfig.ts"
import { describePortInUse, portInUse, readLine, redact } from "../src/mediaMtxLog.ts"

const key = `sk_${"Ab3-_".repeat(9).slice(0, 43)}`
const secret = "hook secret/1"

describe("redact", () => {
  const Noise = Schema.Array(Schema.Literals(["live/", " ", "sk_", "user=any&pass=", "é", "'", "abc"]))

  it.prop("no key and no secret is left, wherever they stand", [Noise, Noise, Noise], ([before, between, after]) => {
    const line = `${before.join("")}${key} ${between.join("")} ${secret}${key}${after.join("")}`
    const shown = redact(line, [secret])
    assert.notInclude(shown, key)
    assert.notInclude(shown, secret)
  })

  it.prop(
    "nor a part of one, where a line was cut",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 46 }))],
    ([length]) => {
      const line = `publishing to live?pass=${key}`
      const shown = redact(line.slice(0, line.length - 46 + length), [secret], true)
      assert.notInclude(shown, "sk_A")
      assert.isTrue("publishing to live?pass=sk_<redacted>".startsWith(shown))
    }
  )

  it("leaves the rest of a line as it is", () => {
    const line = "[path task_1] sk_short is not a key"
    assert.strictEqual(redact(line, [secret]), line)
  })
})

describe("readLine", () => {
  it("a hook that failed is told", () => {
    const line = "mtx-hook: http://127.0.0.1:1/webhook/ready did not answer: nothing came within 5 seconds"
    assert.deepStrictEqual(readLine(line, false, []), { level: "info", text: line, isError: false })
  })

  it("an answer to a question of ours about a connection that has gone is routine", () => {
    assert.strictEqual(readLine("2026/11/21 03:51:03 ERR [API] connection not found", false, []).level, "debug")
    assert.strictEqual(readLine("2026/11/21 03:51:03 ERR [API] path not found", false, []).level, "info")
  })

  it("a refusal of ours is told by our own line; that we could not be asked is not", () => {
    const failed = "2026/11/21 03:51:03 WAR [RTMP] [conn 127.0.0.1:36374] failed to authenticate:"
    const refused = `${failed} server replied with code 401: {"type":"/errors/invalid-stream-key","title":"No such stream key"}`
    assert.strictEqual(readLine(refused, false, []).level, "debug")
    for (const trouble of [
      'authentication error: Post "http://127.0.0.1:8080/auth": dial tcp 127.0.0.1:8080: connect: connection refused',
      "server replied with code 502: <html>Bad Gateway</html>"
    ]) {
      assert.strictEqual(readLine(`${failed} ${trouble}`, false, []).level, "info")
    }
  })

  it("warnings and errors are louder than the rest, and the time is left out", () => {
    assert.deepStrictEqual(readLine("2026/11/21 03:51:03 INF [API] started", false, []), {
      level: "debug",
      text: "[API] started",
      isError: false
    })
    assert.strictEqual(readLine("2026/11/21 03:51:03 WAR [RTMP] odd", false, []).level, "info")
    assert.deepStrictEqual(readLine("2026/11/21 03:51:03 ERR no", false, []), {
      level: "info",
      text: "no",
      isError: true
    })
    assert.deepStrictEqual(readLine("ERR: json: unknown field", false, []), {
      level: "info",
      text: "json: unknown field",
      isError: true
    })
    assert.strictEqual(readLine("panic: something else", false, []).text, "panic: something else")
  })

  it("shows 1,000 characters at most", () => {
    assert.strictEqual(readLine("x".repeat(5000), false, []).text.length, 1000)
  })
})

describe("portInUse", () => {
  it("knows the protocol by the port and its transport, in each of the ways that MediaMTX says it", () => {
    const said = [
      "listen tcp 127.0.0.1:1935: bind: address already in use",
      "listen: listen udp4 127.0.0.1:8890: bind: address already in use",
      "listen tcp :8888: bind: address already in use",
      "listen udp [::1]:8189: bind: address already in use",
      "listen tcp4 127.0.0.1:8890: bind: address already in use"
    ].map((line) => portInUse(line, defaultPorts))
    assert.deepStrictEqual(said, [
      { port: 1935, transport: "tcp", protocol: "RTMP" },
      { port: 8890, transport: "udp", protocol: "SRT" },
      { port: 8888, transport: "tcp", protocol: "HLS" },
      { port: 8189, transport: "udp", protocol: "WebRTC media" },
      { port: 8890, transport: "tcp", protocol: null }
    ])
  })

  it("is nothing that another error says", () => {
    assert.isNull(portInUse("listen tcp 10.9.9.9:8554: bind: cannot assign requested address", defaultPorts))
  })

  it("is told in a sentence that names the port first", () => {
    const told = describePortInUse({ port: 1935, transport: "tcp", protocol: "RTMP" })
    assert.match(told, /^port 1935 \(RTMP, TCP\) is already in use: stop the program/)
  })
})
