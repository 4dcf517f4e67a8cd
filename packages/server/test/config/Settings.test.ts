import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Redacted, Result, Schema } from "effect"
import { warningsOf } from "../../src/config/contradictions.ts"
import { type Files, readSettings, sentenceOf, variableNames } from "../../src/config/Settings.ts"

const notThere = () => Result.fail("expected a file that can be read")
const noFile: Files = { read: notThere, isProgram: (path) => path === "/usr/local/bin/mediamtx" }
const files = (texts: Readonly<Record<string, string>>): Files => ({
  ...noFile,
  read: (path) => (texts[path] === undefined ? notThere() : Result.succeed(texts[path]))
})

/** One value for each variable that is right, and one that is wrong; free text has none. */
const right: Readonly<Record<string, string>> = {
  DATABASE_URL: "postgres://user:hunter2secret@db:5432/greenroom",
  DATABASE_SCHEMA: "greenroom_2",
  DATABASE_MIGRATE: "check",
  DATABASE_POOLER: "transaction",
  DATABASE_POOL: "admission=10, general=5",
  API_SECRET: "0123456789abcdef0123456789abcdef",
  API_PORT: "8080",
  HOST: "127.0.0.1",
  DATA_DIR: "/var/lib/greenroom",
  MEDIAMTX_PORTS: "rtmp=11935, hls=18888",
  MEDIAMTX_API_URL: "http://mediamtx:9997",
  MEDIAMTX_API_USER: "greenroom",
  MEDIAMTX_API_PASSWORD: "a password with spaces",
  MEDIAMTX_PUBLIC_URL: "https://media.example.com",
  PUBLIC_HLS_URL: "https://media.example.com:8888/hls",
  PUBLIC_WEBRTC_URL: "http://[::1]:8889",
  PUBLIC_RTMP_URL: "rtmp://media.example.com:1935",
  PUBLIC_RTSP_URL: "rtsps://media.example.com",
  PUBLIC_SRT_URL: "srt://media.example.com:8890",
  HOOK_SECRET: "fedcba9876543210",
  HOOK_PORT: "8081",
  HOOK_HOST: "::1",
  HOOKS_ON_API_PORT: "off",
  UNAUTHORIZED_PUBLISHERS: "report",
  ON_DUPLICATE_PUBLISH: "takeover",
  PLAYBACK_DEFAULT: "token",
  PLAYBACK_UNKNOWN_PATHS: "deny",
  WORKERS: "on",
  WORKER_COMMAND: '["ffmpeg", "-i", "{input}", "-c", "copy", "-f", "rtsp", "{output}"]',
  WORKER_USER: "greenroom-worker",
  MAX_WORKERS: "5",
  MEDIAMTX_RTSP_URL: "rtsp://mediamtx:8554",
  MEDIAMTX_RTMP_URL: "rtmp://mediamtx:1935",
  MASS_KICK_LIMIT: "0",
  HISTORY_KEEP: "0",
  EVENTS_KEEP: "7",
  AUDIT_KEEP: "1",
  COMPAT_RESCUESTREAM: "on",
  API_SECRET_PREVIOUS: "the-former-operator-secret",
  HOOK_SECRET_PREVIOUS: "the-former-hook-secret",
  CORS_ORIGINS: "https://app.example.com, http://localhost:3000",
  ENCRYPTION_KEY: "an encryption key with 32 letters",
  WEBHOOKS_ALLOW_PRIVATE: "false",
  WEBHOOKS_REQUIRE_TLS: "true",
  METRICS_PORT: "9090",
  LOG_LEVEL: "debug",
  LOG_FORMAT: "pretty",
  OTEL_SDK_DISABLED: "false",
  OTEL_SERVICE_NAME: "greenroom-east",
  OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test,service.namespace=media",
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/",
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example.com/v1/traces",
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://collector:4318/v1/metrics",
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://collector:4318/v1/logs",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20t0ken,x-tenant=a",
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
  OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "none",
  OTEL_LOGS_EXPORTER: "otlp",
  OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
  OTEL_TRACES_SAMPLER_ARG: "0.1",
  OTEL_BSP_SCHEDULE_DELAY: "5000",
  OTEL_BLRP_SCHEDULE_DELAY: "5000",
  OTEL_METRIC_EXPORT_INTERVAL: "60000"
}
const wrong: Readonly<Record<string, ReadonlyArray<string>>> = {
  DATABASE_URL: ["mysql://u:wrongvalue@db/x", "wrongvalue", "postgres://"],
  DATABASE_SCHEMA: [
    "WrongValue",
    "wrong-value",
    "1wrongvalue",
    'wrong"value',
    "w".repeat(64),
    "pg_wrongvalue",
    "wrong.value"
  ],
  DATABASE_MIGRATE: ["wrongvalue", "off"],
  DATABASE_POOLER: ["wrongvalue", "statement"],
  DATABASE_POOL: ["wrongvalue", "admission=0", "admission=201", "admission=1,admission=2", "wrongvalue=3", "general"],
  API_SECRET: ["wrong\nvalue", "wrong\u0000value", "wröngvalue", "wrongvalue ", " wrongvalue", "wrong\u007fvalue"],
  API_PORT: ["65536", "-1", "80.5", "wrongvalue", "0x1F90"],
  HOST: [
    "wrongvalue here",
    "http://wrongvalue:80",
    "wrongvalue:80",
    " wrongvalue",
    "[::1]",
    "wrongvalue/",
    "-wrongvalue"
  ],
  MEDIAMTX_BIN: ["/wrongvalue", "wrongvalue"],
  MEDIAMTX_PORTS: ["rtmp=0", "rtmp=1,rtmp=2", "rtmp=1,rtsp=1", "quic=1", "rtmp", "rtmp=70000"],
  MEDIAMTX_API_URL: ["mediamtx:9997", "ftp://wrongvalue", "http://user:wrongvalue@mediamtx:9997"],
  MEDIAMTX_PUBLIC_URL: ["wrongvalue", "https://media.example.com/?wrongvalue=1"],
  PUBLIC_HLS_URL: ["rtmp://wrongvalue"],
  PUBLIC_WEBRTC_URL: ["wrongvalue"],
  PUBLIC_RTMP_URL: ["http://wrongvalue"],
  PUBLIC_RTSP_URL: ["rtsp://u:wrongvalue@host"],
  PUBLIC_SRT_URL: ["srt://host?streamid=wrongvalue"],
  HOOK_SECRET: ["wrong\rvalue", "wrongvalue\u2026"],
  HOOK_PORT: ["wrongvalue", "65536"],
  HOOK_HOST: ["wrongvalue:80"],
  HOOKS_ON_API_PORT: ["wrongvalue", "false"],
  UNAUTHORIZED_PUBLISHERS: ["wrongvalue", "KICK"],
  ON_DUPLICATE_PUBLISH: ["wrongvalue", "evict"],
  PLAYBACK_DEFAULT: ["wrongvalue", "private"],
  PLAYBACK_UNKNOWN_PATHS: ["wrongvalue", "token"],
  WORKERS: ["wrongvalue", "true"],
  WORKER_COMMAND: ["wrongvalue", "ffmpeg wrongvalue {output}", '["wrongvalue", 1]', '["{output}", "wrongvalue"]'],
  WORKER_USER: ["wrong value", "-u", "1000:", "1000:wrongvalue", "wrongvalue:1000", "4294967295", "1000:4294967295"],
  MAX_WORKERS: ["0", "wrongvalue", "-1", "1001"],
  MEDIAMTX_RTSP_URL: ["http://wrongvalue", "rtsp://u:wrongvalue@host"],
  MEDIAMTX_RTMP_URL: ["rtsp://wrongvalue"],
  MASS_KICK_LIMIT: ["-1", "1.5", "wrongvalue"],
  HISTORY_KEEP: ["-1", "36501", "400d", "wrongvalue"],
  EVENTS_KEEP: ["0", "6", "36501", "wrongvalue"],
  COMPAT_RESCUESTREAM: ["wrongvalue", "true"],
  AUDIT_KEEP: ["0", "36501", "wrongvalue"],
  CORS_ORIGINS: ["*", "wrongvalue", "https://wrongvalue/", "https://a.example,,https://b.example", "ftp://wrongvalue"],
  HOOK_SECRET_PREVIOUS: ["wrong\rvalue", "wrong"],
  ENCRYPTION_KEY: ["wrongvalue", "wrongvalue".repeat(3), `${"wrongvalue".repeat(4)}\nwrongvalue`],
  WEBHOOKS_ALLOW_PRIVATE: ["wrongvalue", "on", "TRUE"],
  WEBHOOKS_REQUIRE_TLS: ["wrongvalue", "1"],
  METRICS_PORT: ["wrongvalue"],
  LOG_LEVEL: ["wrongvalue"],
  LOG_FORMAT: ["xml"],
  OTEL_SDK_DISABLED: ["wrongvalue"],
  OTEL_RESOURCE_ATTRIBUTES: ["wrongvalue", "a=%wrongvalue"],
  OTEL_EXPORTER_OTLP_ENDPOINT: ["collector:4318", "wrongvalue", "grpc://wrongvalue"],
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ["wrongvalue"],
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: ["wrongvalue"],
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: ["wrongvalue"],
  OTEL_EXPORTER_OTLP_HEADERS: ["Bearer wrongvalue", "x=%0Awrongvalue", "a b=wrongvalue"],
  OTEL_EXPORTER_OTLP_PROTOCOL: ["grpc"],
  OTEL_EXPORTER_OTLP_COMPRESSION: ["zstd"],
  OTEL_EXPORTER_OTLP_TIMEOUT: ["wrongvalue", "0"],
  OTEL_TRACES_EXPORTER: ["zipkin"],
  OTEL_METRICS_EXPORTER: ["prometheus"],
  OTEL_LOGS_EXPORTER: ["console"],
  OTEL_TRACES_SAMPLER: ["jaeger_wrongvalue"],
  OTEL_TRACES_SAMPLER_ARG: ["wrongvalue", "1.5", "-1", "1wrongvalue"],
  OTEL_BSP_SCHEDULE_DELAY: ["wrongvalue"],
  OTEL_BLRP_SCHEDULE_DELAY: ["wrongvalue"],
  OTEL_METRIC_EXPORT_INTERVAL: ["1"]
}

const failure = (environment: Readonly<Record<string, string>>, from: Files = noFile) => {
  const settings = readSettings(environment, from)
  return Result.isFailure(settings) ? settings.failure : []
}

describe("the settings", () => {
  it("take every variable's right value", () => {
    const { MEDIAMTX_PORTS: _, ...withApiUrl } = right
    assert.deepStrictEqual(failure(withApiUrl), [])
    const { MEDIAMTX_API_URL: __, MEDIAMTX_API_PASSWORD: ___, ...withPorts } = right
    assert.deepStrictEqual(failure(withPorts), [])
    for (const name of variableNames) if (name !== "MEDIAMTX_BIN") assert.property(right, name)
  })

  it("are all documented", () => {
    const documented = readFileSync(new URL("../../../../docs/configuration.md", import.meta.url), "utf8")
    const rows = documented.split("\n").filter((line) => line.startsWith("| `"))
    const told = rows.flatMap((line) => [...line.split(" | ")[0]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
    assert.deepStrictEqual(told.toSorted(), [...variableNames].toSorted())
  })

  it("name every wrong variable at once, and never the value", () => {
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const said = failure({ API_SECRET: "0123456789abcdef", [name]: value })
        assert.deepStrictEqual(
          said.map((one) => one.variable),
          [name],
          value
        )
        const sentence = sentenceOf(said)
        assert.include(sentence, `${name}: expected `)
        assert.notInclude(sentence, "wrongvalue")
        assert.notInclude(sentence, "wrong\n")
      }
    }
    const all = Object.fromEntries(Object.entries(wrong).map(([name, values]) => [name, values[0]!]))
    assert.deepStrictEqual(new Set(failure(all).map((one) => one.variable)), new Set(Object.keys(wrong)))
  })

  it("do not care about the rest of the environment, and take an empty value for none", () => {
    const settings = readSettings({ PATH: "/bin", API_PORT: "", API_PORT_FILE: "", HOME: "/" }, noFile)
    assert.isTrue(Result.isSuccess(settings))
    if (Result.isSuccess(settings)) assert.deepStrictEqual(settings.success, {})
  })

  it("read NAME_FILE, without the line end that editors leave", () => {
    const settings = readSettings(
      { API_SECRET_FILE: "/run/secrets/api" },
      files({ "/run/secrets/api": "s3cret with space\n" })
    )
    assert.isTrue(Result.isSuccess(settings))
    if (Result.isSuccess(settings))
      assert.strictEqual(Redacted.value(settings.success.API_SECRET!), "s3cret with space")
  })

  it("refuse a file that is not there, one that is empty, and a variable given twice", () => {
    const read = files({ "/empty": "\n" })
    assert.deepStrictEqual(
      failure({ API_SECRET_FILE: "/nowhere" }, read).map((one) => one.variable),
      ["API_SECRET_FILE"]
    )
    assert.deepStrictEqual(
      failure({ API_SECRET_FILE: "/empty" }, read).map((one) => one.variable),
      ["API_SECRET_FILE"]
    )
    assert.deepStrictEqual(
      failure({ API_SECRET: "a", API_SECRET_FILE: "/empty" }, read).map((one) => one.variable),
      ["API_SECRET"]
    )
  })

  it("want a secret with a database, and one media server, not two", () => {
    assert.deepStrictEqual(
      failure({ DATABASE_URL: right.DATABASE_URL! }).map((one) => one.variable),
      ["API_SECRET"]
    )
    const both = { MEDIAMTX_API_URL: "http://mediamtx:9997", MEDIAMTX_BIN: "/usr/local/bin/mediamtx" }
    assert.deepStrictEqual(
      failure(both).map((one) => one.variable),
      ["MEDIAMTX_API_URL"]
    )
  })

  it("want a port of its own for each listener, and somewhere for the media server to ask", () => {
    const variables = (environment: Readonly<Record<string, string>>) => failure(environment).map((one) => one.variable)
    assert.deepStrictEqual(variables({ HOOK_PORT: "8080" }), ["HOOK_PORT"])
    assert.deepStrictEqual(variables({ HOOK_PORT: "9000", API_PORT: "9000" }), ["HOOK_PORT"])
    assert.deepStrictEqual(variables({ HOOK_PORT: "9000", METRICS_PORT: "9000" }), ["HOOK_PORT"])
    assert.deepStrictEqual(variables({ HOOK_PORT: "0", API_PORT: "0", METRICS_PORT: "0" }), [])
    const foreign = { MEDIAMTX_API_URL: "http://mediamtx:9997", HOOKS_ON_API_PORT: "off" }
    assert.deepStrictEqual(variables(foreign), ["HOOKS_ON_API_PORT"])
    assert.deepStrictEqual(variables({ ...foreign, HOOK_PORT: "8081" }), [])
  })

  it("say why a secret beyond ASCII is refused", () => {
    assert.include(sentenceOf(failure({ API_SECRET: "grüner-raum-0123456789" })), "it is sent in HTTP headers")
    assert.deepStrictEqual(
      failure({ MEDIAMTX_API_URL: "http://mediamtx:9997", MEDIAMTX_API_PASSWORD: "pässword" }),
      [],
      "the media server's own password is sent encoded"
    )
  })

  it("refuse secrets of less than 16 characters, and never show them", () => {
    for (const name of ["API_SECRET", "HOOK_SECRET"]) {
      const short = failure({ [name]: "fifteen-letters" })
      assert.deepStrictEqual(short, [{ variable: name, detail: "expected at least 16 characters" }])
      assert.notInclude(sentenceOf(short), "fifteen")
      assert.deepStrictEqual(failure({ [name]: "sixteen-letters!" }), [])
      const file = { ...noFile, read: () => Result.succeed("fifteen-letters\n") }
      assert.deepStrictEqual(failure({ [`${name}_FILE`]: "/secret" }, file), short)
    }
  })

  it("warn of no hook secret where the media server is not ours", () => {
    const warned = (environment: Readonly<Record<string, string>>) =>
      Result.getOrThrow(Result.map(readSettings(environment, noFile), warningsOf))
    assert.deepStrictEqual(warned({}), [])
    assert.match(warned({ MEDIAMTX_API_URL: "http://m:1" }).join(), /^HOOK_SECRET is not set/)
  })

  it("warn of webhooks into the own network", () => {
    const warned = (value: string) =>
      Result.getOrThrow(Result.map(readSettings({ WEBHOOKS_ALLOW_PRIVATE: value }, noFile), warningsOf))
    assert.deepStrictEqual(warned("false"), [])
    assert.match(warned("true").join(), /^WEBHOOKS_ALLOW_PRIVATE is true/)
  })

  it("refuse an encryption key of less than 32 characters", () => {
    const short = [{ variable: "ENCRYPTION_KEY", detail: "expected at least 32 characters" }]
    assert.deepStrictEqual(failure({ ENCRYPTION_KEY: "k".repeat(31) }), short)
    assert.deepStrictEqual(failure({ ENCRYPTION_KEY: "k".repeat(32) }), [])
  })

  it.prop(
    "never show a secret, whatever it is",
    [Arbitrary.schema(Schema.String.check(Schema.isMinLength(6)))],
    ([text]) => {
      const environment = {
        API_SECRET: `${text}\n`,
        HOOK_SECRET: `${text}\u0000`,
        DATABASE_URL: `x${text}`,
        API_PORT: `p${text}`
      }
      const said = failure(environment)
      assert.strictEqual(said.length, 4)
      assert.notInclude(sentenceOf(said), text)
    }
  )
})
