/**
 * The files in docker/ and the compose file, as far as they can be held to something without a container engine: their text
 * against a schema of what compose takes, against the settings that the service reads, and the media server's configuration
 * against the real binary, where there is one.
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parse } from "yaml"
import { environmentFrom } from "../../../../scripts/developer.ts"
import { DATABASE_PATIENCE_SECONDS } from "../../src/composition/databaseAddress.ts"
import { DEFAULT_WORKER_USER } from "../../src/composition/workerUser.ts"
import { variableNames } from "../../src/config/Settings.ts"

const root = new URL("../../../../", import.meta.url)
const text = (path: string) => readFileSync(new URL(path, root), "utf8")

const strict = { onExcessProperty: "error", errors: "all" } as const
const Duration = Schema.String.check(Schema.isPattern(/^\d+(ms|s|m)$/))
const Healthcheck = Schema.Struct({
  test: Schema.Array(Schema.String).check(Schema.makeFilter((test) => test[0] === "CMD" || test[0] === "CMD-SHELL")),
  interval: Duration,
  timeout: Duration,
  retries: Schema.Int,
  start_period: Schema.optionalKey(Duration)
})
/** What every container goes without, whatever it runs. */
const privileges = {
  user: Schema.optionalKey(Schema.String),
  read_only: Schema.Literal(true),
  tmpfs: Schema.Array(Schema.String.check(Schema.isPattern(/^\/[\w/]+$/))),
  cap_drop: Schema.Tuple([Schema.Literal("ALL")]),
  security_opt: Schema.Tuple([Schema.Literal("no-new-privileges:true")])
}
const Service = Schema.Struct({
  image: Schema.String.check(
    Schema.isPattern(/^[\w./-]+:v?\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/, { message: "expected a pinned image" })
  ),
  build: Schema.optionalKey(
    Schema.Struct({
      context: Schema.String,
      dockerfile: Schema.String,
      args: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
    })
  ),
  /** Only where one of these is chosen. */
  profiles: Schema.optionalKey(Schema.Tuple([Schema.Literal("observability")])),
  command: Schema.optionalKey(Schema.Array(Schema.String)),
  environment: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  ports: Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isPattern(/^(127\.0\.0\.1|\$\{BIND:-127\.0\.0\.1\}):\d+:\d+(\/udp)?$/)))
  ),
  volumes: Schema.optionalKey(Schema.Array(Schema.String)),
  networks: Schema.Array(Schema.String),
  depends_on: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Struct({ condition: Schema.Literals(["service_healthy"]) }))
  ),
  healthcheck: Schema.optionalKey(Healthcheck),
  init: Schema.optionalKey(Schema.Boolean),
  stop_grace_period: Schema.optionalKey(Duration),
  ...privileges,
  restart: Schema.Literals(["unless-stopped"])
})
const Compose = Schema.Struct({
  name: Schema.String,
  services: Schema.Record(Schema.String, Service),
  networks: Schema.Record(Schema.String, Schema.Null),
  volumes: Schema.Record(Schema.String, Schema.Null)
})
/** The file that gives the service what it takes to run workers as another user, and nothing else. */
const ForWorkers = Schema.Struct({
  services: Schema.Struct({
    api: Schema.Struct({ user: Schema.Literal("root"), cap_add: Schema.Array(Schema.String) })
  })
})
const compose = () => Schema.decodeUnknownSync(Compose)(parse(text("docker-compose.yml")), strict)

const mediaMtx = process.env.MEDIAMTX_BIN ?? "mediamtx"
const hasMediaMtx = (() => {
  try {
    execFileSync(mediaMtx, ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

describe("the compose file", () => {
  it("is of the shape that compose takes, and the schema notices what is not", () => {
    const names = (isOptional: boolean) =>
      Object.entries(compose().services)
        .filter(([, { profiles }]) => (profiles !== undefined) === isOptional)
        .map(([name]) => name)
        .sort()
    assert.deepStrictEqual(names(false), ["api", "mediamtx", "postgres"])
    assert.deepStrictEqual(names(true), ["grafana", "otel-collector", "prometheus", "tempo"])
    const misspelt = parse(text("docker-compose.yml").replace("healthcheck:", "healtcheck:"))
    assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Compose)(misspelt, strict)))
    const unpinned = parse(text("docker-compose.yml").replace("mediamtx:1.20.1-ffmpeg", "mediamtx:latest"))
    assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Compose)(unpinned, strict)))
  })

  it("gives no container a capability, a way to gain one, or an image to write to, and makes none of them root", () => {
    const file = text("docker-compose.yml")
    for (const line of [
      "    cap_drop: [ALL]\n",
      "    read_only: true\n",
      '    security_opt: ["no-new-privileges:true"]\n',
      "    tmpfs: [/tmp]\n"
    ]) {
      const without = parse(file.replace(line, ""))
      assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Compose)(without, strict)), line)
    }
    const { api, mediamtx, postgres, ...others } = compose().services
    for (const [name, { user }] of Object.entries(others)) assert.match(user!, /^[1-9]\d*:\d+$/, name)
    // The image's own.
    assert.isUndefined(api!.user)
    assert.strictEqual(postgres!.user, "postgres")
    assert.match(mediamtx!.user!, /^[1-9]\d*:[1-9]\d*$/)
  })

  it("refers only to services, networks and volumes that are there", () => {
    const { services, networks, volumes } = compose()
    for (const service of Object.values(services)) {
      for (const network of service.networks) assert.property(networks, network)
      for (const other of Object.keys(service.depends_on ?? {})) {
        assert.property(services, other)
        const checked = services[other]?.healthcheck !== undefined || services[other]?.build !== undefined
        assert.isTrue(checked, `${other} has a health check to wait for`)
      }
      for (const volume of service.volumes ?? []) {
        const source = volume.replace(/\$\{\w+:-([^}]*)\}/, "$1").split(":")[0]!
        if (source.startsWith(".")) assert.isTrue(existsSync(new URL(source, root)), source)
        else assert.property(volumes, source)
      }
    }
  })

  it("has no default for a secret, and the example environment has every variable", () => {
    const used = [...text("docker-compose.yml").matchAll(/\$\{(\w+)(:[?-][^}]*)?\}/g)]
    const example = new Map(
      text(".env.example")
        .split("\n")
        .filter((line) => /^\w+=/.test(line))
        .map((line) => [line.split("=")[0]!, line.slice(line.indexOf("=") + 1)])
    )
    for (const [whole, name, modifier] of used) {
      assert.isTrue(example.has(name!), `${name} stands in .env.example`)
      if (!/SECRET|PASSWORD/.test(name!)) continue
      assert.match(modifier ?? "", /^:\?/, `${whole} is required`)
      assert.strictEqual(example.get(name!), "", `${name} has no value in .env.example`)
    }
    assert.deepStrictEqual(
      new Set(used.map(([, name]) => name).filter((name) => /SECRET|PASSWORD/.test(name!))),
      new Set(["POSTGRES_PASSWORD", "API_SECRET", "HOOK_SECRET"])
    )
  })

  it("gives the service only variables that it reads, and publishes the control API to this machine alone", () => {
    const { api, mediamtx } = compose().services
    for (const name of Object.keys(api!.environment!)) assert.include(variableNames, name)
    for (const port of mediamtx!.ports ?? [])
      assert.strictEqual(port.startsWith("127.0.0.1:"), /:99\d\d$/.test(port), port)
    assert.include(text(".env.example"), "\nBIND=127.0.0.1\n")
    assert.include(mediamtx!.environment!.MTX_AUTHHTTPADDRESS, "@api:8081/auth")
    assert.strictEqual(String(api!.environment!.HOOK_PORT), "8081")
    assert.deepStrictEqual(api!.ports, [`\${BIND:-127.0.0.1}:8080:8080`])
  })
})

describe("the stack that shows traces and metrics", () => {
  const config = (file: string) => parse(text(`docker/observability/${file}`))
  const mounted = (service: string) =>
    new Map(
      compose().services[service]!.volumes!.map((volume) => {
        const [source = "", target = ""] = volume.split(":")
        return [target, source.replace("./docker/observability/", "")]
      })
    )

  it("has each file where its program looks for it", () => {
    const { services } = compose()
    const named = (service: string) =>
      services[service]!.command!.flatMap((argument) => /-?-config(?:\.file)?=(\S+)/.exec(argument)?.[1] ?? [])
    for (const service of ["otel-collector", "tempo", "prometheus"]) {
      assert.lengthOf(named(service), 1)
      assert.isTrue(mounted(service).has(named(service)[0]!), service)
    }
    const [rules] = config("prometheus.yml").rule_files
    assert.strictEqual(mounted("prometheus").get(`/etc/prometheus/${rules}`), "alerts.yml")
    const [provider] = config("grafana/provisioning/dashboards/dashboards.yml").providers
    assert.strictEqual(mounted("grafana").get(provider.options.path), "grafana/dashboards")
    assert.strictEqual(mounted("grafana").get("/etc/grafana/provisioning"), "grafana/provisioning")
    const home = services.grafana!.environment!.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH!
    assert.doesNotThrow(() => text(home.replace(provider.options.path, "docker/observability/grafana/dashboards")))
  })

  it("hands traces on from Greenroom to the collector and to Tempo, and scrapes Greenroom", () => {
    const collector = config("collector.yml")
    assert.include(
      text(".env.example"),
      "# http://otel-collector:4318/v1/traces\nOTEL_EXPORTER_OTLP_TRACES_ENDPOINT=\n"
    )
    assert.strictEqual(collector.receivers.otlp.protocols.http.endpoint, "0.0.0.0:4318")
    assert.strictEqual(collector.exporters["otlp/tempo"].endpoint, "tempo:4317")
    assert.strictEqual(config("tempo.yml").distributor.receivers.otlp.protocols.grpc.endpoint, "0.0.0.0:4317")
    const { receivers, processors, exporters } = collector.service.pipelines.traces
    for (const [part, names] of Object.entries({ receivers, processors, exporters }))
      for (const name of names as ReadonlyArray<string>) assert.property(collector[part], name)
    const [scrape] = config("prometheus.yml").scrape_configs
    assert.deepStrictEqual(scrape.static_configs, [{ targets: ["api:8080"] }])
    assert.strictEqual(compose().services.api!.environment!.METRICS_PORT, undefined)
  })

  it("has the data sources that the dashboard asks, at addresses of the compose file", () => {
    const sources: ReadonlyArray<{ uid: string; url: string }> = config(
      "grafana/provisioning/datasources/datasources.yml"
    ).datasources
    const dashboard = text("docker/observability/grafana/dashboards/greenroom.json")
    const asked = new Set([...dashboard.matchAll(/"uid": "(\w+)"\n\s+\}/g)].map(([, uid]) => uid))
    assert.sameMembers(
      sources.map(({ uid }) => uid),
      [...asked] as Array<string>
    )
    for (const { url } of sources) assert.property(compose().services, new URL(url).hostname)
    assert.strictEqual(new URL(sources[1]!.url).port, String(config("tempo.yml").server.http_listen_port))
  })
})

describe("the health checks", () => {
  it("ask PostgreSQL over TCP, and give the service as long as it waits for its database", () => {
    const { postgres } = compose().services
    assert.match(String(postgres!.healthcheck!.test), /pg_isready -h 127\.0\.0\.1 /)
    const [, seconds] = /--start-period=(\d+)s/.exec(text("docker/Dockerfile")) ?? []
    assert.isAbove(Number(seconds), DATABASE_PATIENCE_SECONDS)
  })
})

describe("the image", () => {
  it("runs as an unprivileged user from a pinned major of Node, and starts the command", () => {
    const file = text("docker/Dockerfile")
    const last = file.slice(file.lastIndexOf("\nFROM "))
    assert.match(last, /^USER node$/m)
    assert.notMatch(last.slice(last.indexOf("USER node")), /^(RUN|COPY|ADD) /m)
    for (const [, from] of file.matchAll(/^FROM (\S+)/gm)) assert.match(from!, /^node:24-/)
    for (const [, copied] of file.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const source of copied!.split(" ")) if (/\.\w+$/.test(source)) assert.doesNotThrow(() => text(source))
    }
  })
})

describe("the workers in containers", () => {
  it("have their settings, the media server's addresses, a program, and who collects what they leave", () => {
    const { api } = compose().services
    const { environment = {}, build } = api!
    assert.strictEqual(environment.MEDIAMTX_RTSP_URL, "rtsp://mediamtx:8554")
    assert.strictEqual(environment.MEDIAMTX_RTMP_URL, "rtmp://mediamtx:1935")
    assert.isTrue(api!.init)
    for (const name of ["WORKERS", "MAX_WORKERS", "WORKER_COMMAND"]) {
      const [, from, byDefault] = /^\$\{(\w+):-([^}]*)\}$/.exec(environment[name]!) ?? []
      assert.strictEqual(from, name)
      assert.include(text(".env.example"), `\n${name}=${byDefault}\n`)
    }
    const file = text("docker/Dockerfile")
    for (const name of Object.keys(build!.args!)) assert.match(file, new RegExp(`^ARG ${name}=no$`, "m"))
    const last = file.slice(file.lastIndexOf("\nFROM "))
    assert.isBelow(last.indexOf("install --yes --no-install-recommends ffmpeg"), last.indexOf("USER node"))
    assert.include(file, `"$WITH_FFMPEG" = yes`)
  })

  it("run as a second user of the image, where the service may start them as another", () => {
    const { services } = Schema.decodeUnknownSync(ForWorkers)(parse(text("docker/workers.yml")), strict)
    assert.deepStrictEqual(services.api.cap_add, ["SETUID", "SETGID", "KILL"])
    const { uid, gid } = DEFAULT_WORKER_USER
    assert.match(
      text("docker/Dockerfile"),
      new RegExp(`groupadd --gid ${gid} .*\n.*useradd --uid ${uid} --gid ${gid} `)
    )
    assert.include(text(".env.example"), "\nCOMPOSE_FILE=docker-compose.yml\n")
    const written = environmentFrom(text(".env.example"), () => "secret")
    const [, files] = /^COMPOSE_FILE=(.*)$/m.exec(written) ?? []
    assert.deepStrictEqual(files!.split(":"), ["docker-compose.yml", "docker/workers.yml"])
    for (const file of files!.split(":")) assert.doesNotThrow(() => text(file))
  })

  it("are on in the environment that `make dev` writes, with ffmpeg in the image", () => {
    const written = environmentFrom(text(".env.example"), () => "secret")
    for (const line of ["WORKERS=on", "WITH_FFMPEG=yes"]) assert.include(written.split("\n"), line)
  })
})

describe("the hooks in containers", () => {
  it("have their script, the address and the secret, and either configuration runs them", () => {
    const { mediamtx } = compose().services
    assert.include(mediamtx!.image, "-ffmpeg")
    assert.strictEqual(mediamtx!.environment!.ORCHESTRATOR_URL, "http://api:8081")
    assert.match(mediamtx!.environment!.HOOK_SECRET!, /^\$\{HOOK_SECRET:\?/)
    const mounted = mediamtx!.volumes!.find((volume) => volume.endsWith(":/mtx-hook:ro"))!
    assert.strictEqual(text(mounted.split(":")[0]!), text("docker/mediamtx/mtx-hook"))
    for (const file of ["docker/mediamtx.yml", "docker/mediamtx/pipeline.yml"]) {
      assert.deepStrictEqual(parse(text(file)).paths, {
        all_others: { runOnAvailable: "/mtx-hook ready", runOnUnavailable: "/mtx-hook not-ready" }
      })
    }
  })

  it("offers both configurations in .env.example", () => {
    const [, chosen] = /^MEDIAMTX_CONFIG=(.*)$/m.exec(text(".env.example")) ?? []
    for (const file of [chosen!, "mediamtx/pipeline.yml"]) assert.doesNotThrow(() => text(`docker/${file}`))
  })
})

/** A configuration, loaded by the real binary until its control API is up; its addresses are the loopback's, with the ports given. */
const loaded = async (file: string, env: Record<string, string>) => {
  const { MTX_AUTHHTTPADDRESS, MTX_WEBRTCADDITIONALHOSTS } = compose().services.mediamtx!.environment!
  const child = spawn(mediaMtx, [new URL(file, root).pathname], {
    env: {
      PATH: process.env.PATH ?? "",
      MTX_AUTHHTTPADDRESS: MTX_AUTHHTTPADDRESS!.replace(/\$\{[^}]*\}/, "0123456789abcdef"),
      MTX_WEBRTCADDITIONALHOSTS: MTX_WEBRTCADDITIONALHOSTS!.replace(/\$\{\w+:-([^}]*)\}/, "$1"),
      ...env
    }
  })
  const lines: Array<string> = []
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (said: string) => {
      lines.push(...said.trim().split("\n"))
      if (said.includes("[API] started")) resolve()
    })
    child.once("exit", () => resolve())
  })
  const stop = async () => {
    child.kill("SIGTERM")
    if (child.exitCode === null) await once(child, "close")
  }
  return { pid: child.pid!, lines, stop }
}

const hasSs = (() => {
  try {
    execFileSync("ss", ["-V"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

/** The port of every listener of a process, TCP and UDP. */
const listenersOf = (pid: number): ReadonlyArray<number> =>
  execFileSync("ss", ["-Hltunp"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(`pid=${pid},`))
    .map((line) => Number(/:(\d+)$/.exec(line.trim().split(/\s+/)[4]!)?.[1]))
    .sort((a, b) => a - b)

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false)).listen(port, () => server.close(() => resolve(true)))
  })

describe("the media server's configuration for the pipeline", () => {
  it("has RTMP, RTSP over TCP, control API, metrics and playback on, each on the documented port, and nothing else", () => {
    const config = parse(text("docker/mediamtx/pipeline.yml"))
    const standard = parse(text("docker/mediamtx.yml"))
    for (const same of ["authMethod", "authHTTPAddress", "authHTTPExclude", "readTimeout", "rtspTransports"]) {
      assert.deepStrictEqual(config[same], standard[same], same)
    }
    for (const on of ["api", "rtsp", "rtmp", "metrics", "playback", "logStructured"])
      assert.isTrue(isOn(config[on]), on)
    for (const off of ["moq", "srt", "hls", "webrtc", "pprof"]) assert.isFalse(isOn(config[off]), off)
    const ports = Object.entries(config).flatMap(([name, value]) =>
      /Address$/.test(name) && /^:/.test(String(value)) ? [value] : []
    )
    assert.sameMembers(ports, [":1935", ":8554", ":9996", ":9997", ":9998"])
  })

  it.skipIf(!hasMediaMtx || !hasSs)(
    "is loaded by the real binary without a warning, logs JSON, and listens on just those ports (needs mediamtx and ss)",
    async () => {
      const documented = [1935, 8554, 9996, 9997, 9998]
      const free = (await Promise.all(documented.map(isFree))).every((one) => one)
      // Somebody's media server runs here already: then the same five on ports of the system's choice.
      const names = ["API", "RTSP", "RTMP", "METRICS", "PLAYBACK"]
      const elsewhere = Object.fromEntries(names.map((name) => [`MTX_${name}ADDRESS`, "127.0.0.1:0"]))
      const { pid, lines, stop } = await loaded("docker/mediamtx/pipeline.yml", free ? {} : elsewhere)
      const ports = listenersOf(pid)
      await stop()
      const said = lines.map((line) => JSON.parse(line) as { level: string; message: string })
      assert.deepStrictEqual(
        said.filter(({ level }) => !/^(INF|DEB)$/.test(level)),
        []
      )
      if (free) assert.deepStrictEqual(ports, documented)
      else assert.lengthOf(ports, documented.length)
    }
  )
})

describe("the media server's configuration", () => {
  it("asks about everybody, goes silent after 4 s, and has MoQ off", () => {
    const config = parse(text("docker/mediamtx.yml"))
    assert.strictEqual(config.authMethod, "http")
    assert.deepStrictEqual(config.authHTTPExclude, [])
    assert.strictEqual(config.readTimeout, "4s")
    assert.deepStrictEqual(config.rtspTransports, ["tcp"])
    for (const on of ["api", "rtsp", "rtmp", "srt", "hls", "webrtc"]) assert.isTrue(isOn(config[on]), on)
    for (const off of ["moq", "metrics", "pprof", "playback"]) assert.isFalse(isOn(config[off]), off)
  })

  it.skipIf(!hasMediaMtx)(
    "is loaded by the real binary without a warning (needs mediamtx: MEDIAMTX_BIN or PATH)",
    async () => {
      const local = Object.fromEntries(
        ["API", "RTSP", "RTMP", "SRT", "HLS", "WEBRTC", "WEBRTCLOCALUDP"].map((name) => [
          `MTX_${name}ADDRESS`,
          "127.0.0.1:0"
        ])
      )
      const { lines, stop } = await loaded("docker/mediamtx.yml", local)
      await stop()
      assert.deepStrictEqual(
        lines.filter((line) => / (WAR|ERR) /.test(line)),
        []
      )
      for (const protocol of ["RTSP", "RTMP", "SRT", "HLS", "WebRTC", "API"]) {
        assert.isTrue(
          lines.some((line) => line.includes(`[${protocol}] started`)),
          `${protocol} started`
        )
      }
    }
  )
})

/** YAML 1.1's `yes` is a string to a YAML 1.2 parser; MediaMTX takes both. */
const isOn = (value: unknown): boolean => value === true || value === "yes"
