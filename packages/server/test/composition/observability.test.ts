/**
 * The dashboard and the alert rules read what a real run exports. A service is scraped after publishers, refusals, kicks, webhooks, wrong secrets, an
 * outage of the control API and one of the database; every selector of every expression must select one of its series.
 */
import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type FakeMediaMtx, fakeMediaMtx } from "@greenroom/testing"
import { parse } from "yaml"
import { readsOf, type Series, selected, seriesIn } from "../../../../verification/worlds/promql.ts"
import { type Service, startService } from "../../../../verification/worlds/service.ts"
import { startReceiver } from "../http/support/receiver.ts"
import { until } from "./home.ts"

const folder = fileURLToPath(new URL("../../../../docker/observability/", import.meta.url))
const text = (file: string) => fs.readFileSync(path.join(folder, file), "utf8")

interface Target {
  readonly expr?: string
  readonly legendFormat?: string
}
interface Panel {
  readonly title: string
  readonly targets?: ReadonlyArray<Target>
}
interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}

const panels: ReadonlyArray<Panel> = JSON.parse(text("grafana/dashboards/greenroom.json")).panels
const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.flatMap(({ expr, legendFormat = "" }) => (expr === undefined ? [] : [{ name: title, expr, legendFormat }]))
)
const rules: ReadonlyArray<Rule> = parse(text("alerts.yml")).groups.flatMap(
  (group: { readonly rules: ReadonlyArray<Rule> }) => group.rules
)
const expressions = [
  ...queries,
  ...rules.map(({ alert, expr, annotations }) => ({
    name: alert,
    expr,
    legendFormat: Object.values(annotations).join().replaceAll("$labels.", "")
  }))
]

/** What Prometheus itself adds to every series of a target, and `up` for the target. */
const added = { instance: "api:8080", job: "greenroom" }
const ofPrometheus: Series = { metric: "up", labels: added }

/** A run in which everything happens that the dashboard shows; what `GET /metrics` then has. */
const busyRun = async (directory: string, media: FakeMediaMtx): Promise<string> => {
  const secret = randomBytes(24).toString("base64url")
  const receiver = await startReceiver(({ body }, response) =>
    response.writeHead(body.includes("broadcaster.created") ? 204 : 500).end()
  )
  const service: Service = startService({
    DATA_DIR: path.join(directory, "data"),
    API_PORT: "0",
    API_SECRET: secret,
    MEDIAMTX_API_URL: media.apiUrl,
    WEBHOOKS_ALLOW_PRIVATE: "true"
  })
  try {
    const url = await service.ready
    await media.authenticateAt(`${url}/auth`)
    const call = async (method: string, at: string, body?: object, key = secret) => {
      const answer = await fetch(`${url}${at}`, {
        method,
        headers: { "content-type": "application/json", "x-api-key": key },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const answered = await answer.text()
      const isJson = /json/.test(answer.headers.get("content-type") ?? "")
      return { status: answer.status, text: answered, json: isJson ? JSON.parse(answered) : undefined }
    }
    const metrics = async () => (await call("GET", "/metrics")).text
    const shows = (part: string) => until(async () => (await metrics()).includes(part), `metrics show ${part}`)
    await call("POST", "/webhook-endpoints", { url: receiver.url })
    const { json: owner } = await call("POST", "/broadcasters", { display_name: "Studio One" })
    const { json: key } = await call("POST", "/stream-keys", { broadcaster_id: owner.id, path: "live/one" })
    const publisher = await media.publish({ protocol: "rtmp", path: "live/one", key: key.key_value })
    assert.isTrue(await publisher.ready)
    await media.publish({ protocol: "rtmp", path: "live/two", key: `sk_${"x".repeat(43)}` })
    await call("POST", "/webhook/ready", { path: "live/one", source_type: "rtmpConn", source_id: publisher.id })
    await call("GET", "/streams", undefined, "a-wrong-secret-of-a-guesser")
    await call("GET", "/events?limit=1")
    const stream = await fetch(`${url}/events/stream`, { headers: { "x-api-key": secret } })
    await stream.body?.cancel()
    assert.strictEqual((await call("DELETE", `/stream-keys/${key.id}`)).status, 204)
    assert.strictEqual(await publisher.closed, "kicked")
    await shows('greenroom_webhook_attempts_total{outcome="delivered"}')
    await shows('greenroom_webhook_attempts_total{outcome="retrying"}')
    await media.fault({ _tag: "HangUp" })
    await shows('greenroom_degraded{kind="media_server_unreachable"} 1')
    await media.fault(null)
    await shows('greenroom_degraded{kind="media_server_unreachable"} 0')
    const postmaster = fs.readFileSync(path.join(directory, "data/postgres/data/postmaster.pid"), "utf8")
    process.kill(Number(postmaster.split("\n")[0]), "SIGKILL")
    const publish = { action: "publish", path: "live/one", protocol: "rtmp", id: "x", password: key.key_value }
    await until(async () => (await call("POST", "/auth", publish)).status === 503, "an auth call fails")
    await shows('db_client_operation_duration_seconds_count{db_system_name="postgresql",db_namespace="postgres",')
    return await metrics()
  } finally {
    service.child.kill("SIGTERM")
    await service.ended
    await receiver.close()
  }
}

describe("the dashboard and the alerts", () => {
  let directory = ""
  let exported = ""
  let series: ReadonlyArray<Series> = []
  let media: FakeMediaMtx

  beforeAll(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "greenroom-observed-"))
    fs.chmodSync(directory, 0o711)
    media = await fakeMediaMtx()
    exported = await busyRun(directory, media)
    series = [
      ofPrometheus,
      ...seriesIn(exported).map(({ metric, labels }) => ({ metric, labels: { ...labels, ...added } }))
    ]
  })
  afterAll(async () => {
    await media.stop()
    fs.rmSync(directory, { recursive: true, force: true })
  })

  it("are there", () => {
    assert.isAbove(queries.length, 25)
    assert.isAbove(rules.length, 10)
  })

  it.each(expressions)(
    "$name: each selector has series of a real run, and each label is one of theirs: $expr",
    (one) => {
      const { selectors, labels } = readsOf(one.expr)
      assert.isNotEmpty(selectors)
      const found = selectors.map((selector) => ({ selector, series: selected(selector, series) }))
      assert.deepStrictEqual(
        found.filter((each) => each.series.length === 0).map(({ selector }) => selector),
        []
      )
      const known = new Set(found.flatMap((each) => each.series.flatMap((shown) => Object.keys(shown.labels))))
      const shown = [...one.legendFormat.matchAll(/\{\{\s*([a-z_]+)\s*\}\}/g)].map(([, label]) => label!)
      for (const label of [
        ...labels,
        ...shown,
        ...selectors.flatMap(({ matchers }) => matchers.map((each) => each.label))
      ])
        assert.isTrue(known.has(label), `${label} is a label of it`)
    }
  )

  const promtool = (args: ReadonlyArray<string>, input?: string) =>
    spawnSync("promtool", args, { cwd: folder, encoding: "utf8", ...(input === undefined ? {} : { input }) })
  const hasPromtool = promtool(["--version"]).status === 0
  if (!hasPromtool) console.log("skipped: PromQL is not checked by promtool, which is not installed (apt: prometheus)")

  describe.skipIf(!hasPromtool)("to promtool", () => {
    const accepts = (args: ReadonlyArray<string>, input?: string) => {
      const { status, stdout, stderr } = promtool(args, input)
      assert.strictEqual(status, 0, `${stdout}${stderr}`)
      return stdout
    }

    it("are a configuration, rules, and rules that fire and do not fire", () => {
      accepts(["check", "config", "prometheus.yml"])
      accepts(["check", "rules", "alerts.yml"])
      accepts(["test", "rules", "alerts.test.yml"])
    })

    it("are PromQL, every query of the dashboard", () => {
      const asRules = queries.map(({ expr }, index) => ({
        record: `query_${index}`,
        expr: expr.replaceAll(/\$__\w+/g, "5m")
      }))
      const file = path.join(directory, "dashboard.yml")
      fs.writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules: asRules }] }))
      assert.include(accepts(["check", "rules", file]), `${queries.length} rules found`)
    })

    it("meet metrics in a format that Prometheus reads", () => {
      const { status, stderr } = promtool(["check", "metrics"], exported)
      // 3: remarks about names alone, which are a promise of ours.
      assert.oneOf(status, [0, 3], stderr)
    })
  })

  it("have a test for each alert that fires and one that does not", () => {
    const tests: ReadonlyArray<{ readonly alert_rule_test: ReadonlyArray<{ alertname: string; exp_alerts: [] }> }> =
      parse(text("alerts.test.yml")).tests
    for (const fires of [true, false]) {
      const tried = tests
        .flatMap((one) => one.alert_rule_test)
        .filter((one) => one.exp_alerts.length > 0 === fires)
        .map(({ alertname }) => alertname)
      assert.deepStrictEqual(tried.toSorted(), rules.map(({ alert }) => alert).toSorted())
    }
  })
})

describe("what is read of an expression", () => {
  it("is names, matchers and labels, and never a function", () => {
    const { selectors, labels } = readsOf(
      'histogram_quantile(0.9, sum by (le, a) (rate(x_bucket{b=~"1|2",c!=""}[$__rate_interval]))) / on (d) group_left max(y) > 1.5 or vector(0) - z offset 5m'
    )
    assert.deepStrictEqual(
      selectors.map(({ metric, matchers }) => [
        metric,
        matchers.map(({ label, op, value }) => `${label}${op}${value}`)
      ]),
      [
        ["x_bucket", ["b=~1|2", "c!="]],
        ["y", []],
        ["z", []]
      ]
    )
    assert.deepStrictEqual(labels, ["le", "a", "d"])
    assert.throws(() => readsOf("sum(x) § 1"), /not known/)
  })

  it("selects series as Prometheus does", () => {
    const series = seriesIn('# HELP x y\nx{a="1",b="say \\"}\\""} 3\nx 1\nx_total{a="12"} 4 \n')
    assert.deepStrictEqual(series[0], { metric: "x", labels: { a: "1", b: 'say \\"}\\"' } })
    const count = (expression: string) => selected(readsOf(expression).selectors[0]!, series).length
    assert.deepStrictEqual(
      ["x", 'x{a="1"}', 'x{a=~"."}', 'x{a!="1"}', 'x{a=~"1|2",c=""}', 'x{a=~"2"}'].map(count),
      [2, 1, 1, 1, 1, 0]
    )
  })
})
