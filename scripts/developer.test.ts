/** The development key and environment: private, limited, kept while they are good. */

import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, it } from "vitest"
import { environmentFrom, portsFrom } from "./developer.ts"

const script = fileURLToPath(new URL("developer.ts", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "developer-"))
const minted = [`sk_${"a".repeat(43)}`, `sk_${"b".repeat(43)}`]
const asked: Array<{ line: string; body: string; secret: unknown }> = []
let status = "active"
const server = createServer((request, response) => {
  let body = ""
  request.on("data", (chunk) => {
    body += chunk
  })
  request.on("end", () => {
    asked.push({ line: `${request.method} ${request.url}`, body, secret: request.headers["x-api-key"] })
    const listed = { stream_keys: [{ key_prefix: "sk_aaaa", path: "live/**", status }] }
    const made = request.url === "/broadcasters" ? { id: "b-1" } : { key_value: minted.shift() }
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify(request.method === "GET" ? listed : made))
  })
})
let url = ""
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

const run = (command: string, more: Record<string, string | undefined> = {}) =>
  new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const env = { ...process.env, GREENROOM_URL: url, DATA_DIR: folder, API_SECRET: "the-operator-secret", ...more }
    const child = spawn(process.execPath, [script, command], { cwd: folder, env })
    let [out, err] = ["", ""]
    child.stdout.on("data", (chunk) => {
      out += chunk
    })
    child.stderr.on("data", (chunk) => {
      err += chunk
    })
    child.once("close", (code) => resolve({ code, out, err }))
  })

it("mints a key for live/ alone into a file of mode 0600, and does not show it", async () => {
  const key = minted[0] ?? ""
  const { code, out, err } = await run("key")
  expect([code, err]).toEqual([0, ""])
  const file = join(folder, "dev-key")
  expect(readFileSync(file, "utf8")).toBe(`${key}\n`)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(out).toContain(`STREAM_KEY_FILE=${file}`)
  expect(out).not.toContain(key)
  expect(asked.map(({ line }) => line)).toEqual(["POST /broadcasters", "POST /stream-keys"])
  expect(JSON.parse(asked[1]?.body ?? "")).toMatchObject({ broadcaster_id: "b-1", path: "live/**" })
  expect(asked.every(({ secret }) => secret === "the-operator-secret")).toBe(true)
})

it("keeps it while it admits, and mints another when it does not", async () => {
  const before = readFileSync(join(folder, "dev-key"), "utf8")
  await run("key")
  expect(readFileSync(join(folder, "dev-key"), "utf8")).toBe(before)
  status = "revoked"
  await run("key")
  expect(readFileSync(join(folder, "dev-key"), "utf8")).not.toBe(before)
})

it("says what to do when it cannot", async () => {
  const nobody = await run("key", { GREENROOM_URL: "http://127.0.0.1:1" })
  expect([nobody.code, nobody.err]).toEqual([
    1,
    expect.stringMatching(/nobody answers .*: start Greenroom with `make local`/)
  ])
  const secretless = await run("metrics", { API_SECRET: undefined })
  expect([secretless.code, secretless.err]).toEqual([1, expect.stringMatching(/^there is no API secret yet: start/)])
  const unknown = await run("coffee")
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringMatching(/^expected one of env, containers/)])
})

it("knows another program by what it says, and shows none of it", async () => {
  let answer = 0
  const page = createServer((_, response) => {
    response.writeHead(answer, { "content-type": "text/html" }).end("<p>It works!")
  })
  await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve))
  const there = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
  const env = { GREENROOM_URL: there, MEDIAMTX_API_URL: there, MEDIAMTX_METRICS_URL: there }
  for (answer of [200, 404]) {
    const runs = await Promise.all(["key", "api-status", "metrics"].map((command) => run(command, env)))
    for (const { code, out, err } of runs) {
      expect([code, out]).toEqual([1, ""])
      expect(err).toMatch(
        new RegExp(`^who answers at ${there}\\S* \\(with status ${answer}\\) is another program: [^<\n]*\n$`)
      )
    }
  }
  page.close()
})

it("fills in each secret of the example with one of its own, and chooses the pipeline", () => {
  const example = readFileSync(new URL("../.env.example", import.meta.url), "utf8")
  let count = 0
  const made = environmentFrom(example, () => `secret-${++count}`)
  expect(count).toBe(3)
  expect(made).not.toMatch(/^\w+(SECRET|PASSWORD)=$/m)
  expect(made).toMatch(/^MEDIAMTX_CONFIG=mediamtx\/pipeline\.yml$/m)
})

it("looks for the media server where MEDIAMTX_PORTS says", () => {
  const usual = { rtmp: 1935, rtsp: 8554, api: 9997, metrics: 9998, playback: 9996 }
  expect(portsFrom("")).toEqual(usual)
  expect(portsFrom("rtmp=11935, api=19997")).toEqual({ ...usual, rtmp: 11935, api: 19997 })
  for (const wrong of ["hls=8888", "rtmp", "rtmp=0", "api=65536", "1935"]) {
    expect(() => portsFrom(`rtsp=18554,${wrong}`)).toThrow(
      `MEDIAMTX_PORTS: "${wrong}" is no port of the pipeline: expected`
    )
  }
})
