/**
 * The configurations in docs/mediamtx.md, as a reader puts them together: each MediaMTX that is at hand starts with the one for its
 * version, asks Greenroom about its control API and about a publisher, and runs the hooks. The binaries are those of `MEDIAMTX_BINS`, or
 * the one of the other tests.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { isAtLeast, type Version } from "@greenroom/mediamtx-simulator"
import { Effect } from "effect"
import { parse } from "yaml"
import { freePorts } from "../../../../verification/worlds/processes.ts"
import { missingFor, realBinaries } from "../../../../verification/worlds/realBinaries.ts"
import { ffmpegPublisher } from "../../../../verification/worlds/realMediaMtx.ts"

const root = new URL("../../../../", import.meta.url)
const page = readFileSync(new URL("docs/mediamtx.md", root), "utf8")
const hook = fileURLToPath(new URL("packages/launcher/hooks/mtx-hook", root))

const blocks = new Map(
  [...page.matchAll(/^```yaml config (\S+)\n([\s\S]*?)^```$/gm)].map(([, range, text]) => [range!, text!])
)
const ranges = [...blocks.keys()].filter((range) => range !== "every")

/** `1.18` as an end holds for 1.18.2, too; no end: every newer one. */
const isIn = (range: string, version: Version): boolean => {
  const [from = "", to = ""] = range.split("-")
  const [major = 0, minor = 0, patch] = to.split(".").map(Number)
  const after = patch === undefined ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`
  return (
    isAtLeast(version, from.split(".").length === 2 ? `${from}.0` : from) && (to === "" || !isAtLeast(version, after))
  )
}

const binaries = realBinaries()

const KEY = `sk_${"p".repeat(43)}`
const HOOK_SECRET = "the-hook-secret-of-the-page"
const API_SECRET = "the-api-secret-of-the-page"
const PATH = "live/page/in"

interface Call {
  readonly url: string
  readonly authorization: string
  readonly body: { readonly action?: string; readonly path?: string; readonly password?: string }
}

/** In the place of Greenroom; it lets in the API secret and the key. */
const listener = Effect.acquireRelease(
  Effect.promise(async () => {
    const calls: Array<Call> = []
    const server = Http.createServer(async (request, response) => {
      let text = ""
      for await (const chunk of request) text += String(chunk)
      const call = {
        url: request.url ?? "",
        authorization: request.headers.authorization ?? "",
        body: JSON.parse(text) as Call["body"]
      }
      calls.push(call)
      const isGood = call.url !== "/auth" || [API_SECRET, KEY].includes(call.body.password ?? "")
      response.writeHead(isGood ? 200 : 401).end("{}")
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return { server, calls, port: (server.address() as AddressInfo).port }
  }),
  ({ server }) =>
    Effect.promise(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
)

const WITHIN_MS = 30_000

const eventually = (what: string, isSo: () => boolean | Promise<boolean>, log: () => string) =>
  Effect.promise(async () => {
    const deadline = performance.now() + WITHIN_MS
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`not in time: ${what}\n${log()}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })

const LISTENERS = ["RTMP", "SRT", "HLS", "WEBRTC", "WEBRTCLOCALUDP"]

/** On free ports of the loopback, which its environment moves: the text of the page is left as it stands. */
const started = Effect.fnUntraced(function* (file: string, configuration: string, greenroom: number) {
  const [api, rtsp] = yield* Effect.promise(() => freePorts(2))
  const folder = mkdtempSync(join(tmpdir(), "greenroom-page-"))
  writeFileSync(join(folder, "mediamtx.yml"), configuration)
  let log = ""
  const env = {
    PATH: process.env.PATH,
    ORCHESTRATOR_URL: `http://127.0.0.1:${greenroom}`,
    HOOK_SECRET,
    MTX_APIADDRESS: `127.0.0.1:${api}`,
    MTX_RTSPADDRESS: `127.0.0.1:${rtsp}`,
    ...Object.fromEntries(LISTENERS.map((name) => [`MTX_${name}ADDRESS`, "127.0.0.1:0"]))
  }
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const process = spawn(file, ["mediamtx.yml"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] })
      for (const output of [process.stdout, process.stderr]) {
        output.on("data", (chunk) => {
          log += String(chunk)
        })
      }
      return process
    }),
    (process) =>
      Effect.callback<void>((resume) => {
        const gone = () => {
          rmSync(folder, { recursive: true, force: true })
          resume(Effect.void)
        }
        if (process.exitCode !== null) return gone()
        process.once("exit", gone)
        process.kill("SIGKILL")
      })
  )
  return { apiUrl: `http://127.0.0.1:${api}`, rtsp: rtsp!, hasEnded: () => child.exitCode !== null, log: () => log }
})

const configurationFor = (range: string, greenroom: number) =>
  [blocks.get("every"), blocks.get(range)]
    .join("\n")
    .replace("HOOK_SECRET@greenroom:8081", `${HOOK_SECRET}@127.0.0.1:${greenroom}`)
    .replaceAll("/mtx-hook", hook)

describe("the configurations in docs/mediamtx.md", () => {
  it("are one for every version and one for each range, and set no field twice", () => {
    assert.isTrue(blocks.has("every"))
    assert.isAtLeast(ranges.length, 3)
    for (const range of ranges) assert.isObject(parse(`${blocks.get("every")}\n${blocks.get(range)}`), range)
  })

  it("leave out no version from 1.9 on, and have one for each", () => {
    const released = ["1.9.0", "1.9.3", "1.10.0", "1.18.2", "1.19.0", "1.19.2", "1.19.3", "1.20.1", "1.21.1", "1.30.0"]
    for (const version of released) {
      assert.lengthOf(
        ranges.filter((range) => isIn(range, version)),
        1,
        version
      )
    }
  })

  const missing = missingFor("mediamtx", "ffmpeg")
  if (missing.length > 0) {
    console.warn(`docs/mediamtx.md: no configuration is started, no ${missing.join(" and no ")}`)
    it.skip("start MediaMTX", () => {})
    return
  }

  it.live.each(binaries)("start MediaMTX $version, which asks Greenroom and runs the hooks", ({ file, version }) =>
    Effect.gen(function* () {
      const { calls, port } = yield* listener
      const range = ranges.find((one) => isIn(one, version)) ?? assert.fail("no configuration for it")
      const mtx = yield* started(file, configurationFor(range, port), port)
      const seen = (url: string, fits: (body: Call["body"]) => boolean) =>
        calls.find((call) => call.url === url && fits(call.body))
      const answers = async () => {
        assert.isFalse(mtx.hasEnded(), `it does not start:\n${mtx.log()}`)
        const authorization = `Basic ${Buffer.from(`greenroom:${API_SECRET}`).toString("base64")}`
        const response = await fetch(`${mtx.apiUrl}/v3/paths/list`, { headers: { authorization } }).catch(() => null)
        return response?.status === 200
      }
      yield* eventually("the control API answers", answers, mtx.log)
      const asked = seen("/auth", ({ action }) => action === "api")
      assert.strictEqual(
        asked?.authorization,
        `Basic ${Buffer.from(`mediamtx:${HOOK_SECRET}`).toString("base64")}`,
        "with the hook secret"
      )

      const publisher = yield* ffmpegPublisher(
        { ports: { rtsp: mtx.rtsp, rtmp: 0, srt: 0, hls: 0, webrtc: 0 } },
        { protocol: "rtsp", path: PATH, key: KEY }
      )
      const arrived = (kind: string) => () =>
        seen(`/v1/mediamtx/events/${kind}`, ({ path }) => path === PATH) !== undefined
      yield* eventually("the hook of its begin", arrived("ready"), mtx.log)
      assert.isDefined(seen("/auth", ({ action, path }) => action === "publish" && path === PATH))
      yield* publisher.kill
      yield* eventually("the hook of its end", arrived("not-ready"), mtx.log)
    })
  )
})
