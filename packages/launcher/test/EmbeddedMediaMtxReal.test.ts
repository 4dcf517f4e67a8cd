/** The generated configuration and the supervision with a real MediaMTX; left out, with one line, where there is none. */
import { execFileSync } from "node:child_process"
import * as dgram from "node:dgram"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { processesWith, program, temporaryFolder, until } from "../../../verification/worlds/processes.ts"
import * as EmbeddedMediaMtx from "../src/EmbeddedMediaMtx.ts"
import type { MediaMtxBinary } from "../src/MediaMtxBinary.ts"
import type { Ports } from "../src/mediaMtxConfig.ts"
import {
  apiAuthorization,
  authAt,
  authServer,
  collected,
  hookAuthorization,
  realBinary,
  somePorts
} from "./mediaMtx.ts"

if (realBinary === undefined) console.log("skipped: no mediamtx (set MEDIAMTX_BIN or put it on the PATH)")

const version = realBinary === undefined ? null : execFileSync(realBinary, ["--version"], { encoding: "utf8" }).trim()
const binary: MediaMtxBinary = { path: realBinary ?? "", origin: "PATH", version }

const started = Effect.fnUntraced(function* (more: Partial<EmbeddedMediaMtx.Options> = {}) {
  const folder = yield* temporaryFolder
  const auth = yield* authServer
  const ports = (more.ports as Ports | undefined) ?? (yield* somePorts)
  const log = collected()
  const directory = path.join(folder, "mediamtx")
  const server = yield* EmbeddedMediaMtx.make({ binary, directory, auth: authAt(auth.port), ...more, ports }).pipe(
    Effect.provide(log.layer)
  )
  return { server, directory, ports, log, auth, config: path.join(directory, "mediamtx.json") }
})

const running = (server: EmbeddedMediaMtx.EmbeddedMediaMtx["Service"]) =>
  until("the media server is running", () => Effect.runPromise(server.running))

/** Warnings and errors of the media server. */
const loudLines = ({ lines }: ReturnType<typeof collected>) =>
  lines.filter(({ level, message }) => level !== "Debug" && message.startsWith("mediamtx: "))

interface Answer {
  readonly [field: string]: unknown
  readonly items?: ReadonlyArray<{ readonly name: string }>
}

const ask = (url: string, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(5000) })
    return { status: response.status, body: (await response.json()) as Answer }
  })

describe.skipIf(realBinary === undefined)("a real MediaMTX", { concurrent: true }, () => {
  it.live("loads the configuration without a warning, and asks us about its control API", () =>
    Effect.gen(function* () {
      const { server, config, log, auth } = yield* started()
      yield* running(server)
      assert.deepStrictEqual(loudLines(log), [])
      const opened = log.lines.flatMap(({ message }) => /^mediamtx: \[(\w+)\] started/.exec(message)?.[1] ?? [])
      assert.sameMembers(opened, ["RTSP", "RTMP", "HLS", "WebRTC", "SRT", "API"])

      assert.strictEqual((yield* Effect.promise(() => fs.stat(config))).mode & 0o777, 0o600)
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(path.dirname(config))), ["mediamtx.json"])

      const allowed = yield* ask(`${server.apiUrl}/v3/config/global/get`, { authorization: apiAuthorization })
      assert.strictEqual(allowed.status, 200)
      assert.include(allowed.body, {
        readTimeout: "4s",
        authMethod: "http",
        moq: false,
        metrics: false,
        playback: false
      })
      assert.deepStrictEqual(allowed.body.authHTTPExclude, [])
      assert.deepStrictEqual(allowed.body.rtspTransports, ["tcp"])
      assert.deepStrictEqual(allowed.body.webrtcAdditionalHosts, ["127.0.0.1"])
      assert.isTrue(auth.calls.every((call) => call.authorization === hookAuthorization && call.action === "api"))

      const refused = yield* ask(`${server.apiUrl}/v3/info`)
      assert.strictEqual(refused.status, 401)
      const paths = yield* ask(`${server.apiUrl}/v3/config/paths/list`, { authorization: apiAuthorization })
      assert.deepStrictEqual(
        paths.body.items?.map(({ name }) => name),
        ["all_others"]
      )
    })
  )

  it.live("is started again when it was killed, and stopped with the scope", () =>
    Effect.gen(function* () {
      const config = yield* Effect.scoped(
        Effect.gen(function* () {
          const { server, config, log } = yield* started()
          yield* running(server)
          const real = () => processesWith(config).find(({ command }) => command.startsWith(realBinary!))?.pid
          const first = real()!
          process.kill(first, "SIGKILL")
          yield* until("its end is noticed", async () => (await Effect.runPromise(server.lastExit)) !== null)
          yield* running(server)
          assert.notStrictEqual(real(), first)
          assert.strictEqual((yield* server.lastExit)?.how, "killed by SIGKILL")
          assert.isTrue(log.has("the media server stopped and is started again: killed by SIGKILL"))
          const info = yield* ask(`${server.apiUrl}/v3/info`, { authorization: apiAuthorization })
          assert.strictEqual(info.status, 200)
          return config
        })
      )
      assert.deepStrictEqual(processesWith(config), [])
    })
  )

  const blockers = {
    "RTMP, TCP": ["rtmp", "tcp"],
    "control API, TCP": ["api", "tcp"],
    "SRT, UDP": ["srt", "udp"],
    "WebRTC media, UDP": ["webrtcUdp", "udp"]
  } as const

  for (const [name, [protocol, transport]] of Object.entries(blockers)) {
    it.live(`a port in use is named (${name}), and it starts once the port is free`, () =>
      Effect.gen(function* () {
        const ports = yield* somePorts
        const blocker = yield* Effect.promise(
          () =>
            new Promise<net.Server | dgram.Socket>((resolve) => {
              if (transport === "tcp") {
                const server = net.createServer().listen(ports[protocol], "127.0.0.1", () => resolve(server))
              } else {
                const socket = dgram.createSocket("udp4").bind(ports[protocol], "127.0.0.1", () => resolve(socket))
              }
            })
        )
        yield* Effect.addFinalizer(() => Effect.sync(() => blocker.unref().close()).pipe(Effect.ignoreCause))
        const { server, log } = yield* started({ ports })
        const told = `the media server does not start: port ${ports[protocol]} (${name}) is already in use`
        yield* until("the port is told", () =>
          log.lines.some((line) => line.level === "Error" && line.message.includes(told))
        )
        assert.strictEqual((yield* server.lastExit)?.portInUse?.port, ports[protocol])
        assert.isFalse(yield* server.running)
        yield* Effect.promise(() => new Promise<void>((resolve) => blocker.close(() => resolve())))
        yield* running(server)
      })
    )
  }

  it.live("does not outlive our process when that is killed with SIGKILL", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const ports = Object.values(yield* somePorts).join(",")
      const holder = yield* program(new URL("fixtures/holdMediaMtx.ts", import.meta.url), [realBinary!, folder, ports])
      yield* Effect.promise(() => holder.says("ready"))
      assert.isAbove(processesWith(folder).length, 1)
      process.kill(holder.pid, "SIGKILL")
      yield* until("nothing of it is left", () => processesWith(folder).length === 0)
    })
  )

  const hosts = ["0.0.0.0", "::1", "localhost"]
  for (const host of hosts) {
    it.live(`listens on ${host}`, () =>
      Effect.gen(function* () {
        const { server, log } = yield* started({ host, publicHost: "media.example.com" })
        yield* running(server)
        assert.deepStrictEqual(loudLines(log), [])
        assert.match(server.rtmpUrl, /^rtmp:\/\/media\.example\.com:\d+$/)
        assert.match(server.apiUrl, /^http:\/\/127\.0\.0\.1:\d+$/)
      })
    )
  }
})
