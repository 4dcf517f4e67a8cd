/** The compose file with its media server: a publisher's life, and what Greenroom does when a container is paused, cut off or killed. */
import { afterAll, assert, beforeAll, describe, expect, it } from "vitest"
import { type Encoder, type Project, startProject } from "./compose.ts"
import { docker, noImage, statusesOf } from "./docker.ts"

const images = ["postgres:18.1", "bluenviron/mediamtx:1.20.1-ffmpeg"]
const missing = (await Promise.all(images.map(noImage))).filter((why) => why !== null)
if (missing.length > 0) console.log(`containers: compose: not run: ${missing.join("; ")}`)

let project: Project
let broadcaster: string
const encoders: Array<Encoder> = []

const json = async <A>(method: string, path: string, body?: unknown): Promise<A> => {
  const answer = await project.call(method, path, body)
  const text = await answer.text()
  assert.isTrue(answer.ok, text)
  return JSON.parse(text) as A
}

const newKey = (path: string) =>
  json<{ readonly id: string; readonly key_value: string }>("POST", "/stream-keys", {
    broadcaster_id: broadcaster,
    path
  })

interface Stream {
  readonly path: string
  readonly status: string
}

const live = async (path: string): Promise<boolean> => {
  const { streams } = await json<{ readonly streams: ReadonlyArray<Stream> }>("GET", `/streams?path=${path}`)
  return streams.some(({ status }) => status === "active")
}

const becomesLive = (path: string) => expect.poll(() => live(path), { timeout: 30_000, interval: 200 }).toBe(true)
const becomesOver = (path: string) => expect.poll(() => live(path), { timeout: 60_000, interval: 200 }).toBe(false)
const readiness = async () => (await project.call("GET", "/readyz")).status
const mediaServer = async () => (await json<{ readonly media_server: string }>("GET", "/health")).media_server

const publish = async (path: string) => {
  const key = await newKey(path)
  const started = project.publish(path, key.key_value)
  encoders.push(started)
  await becomesLive(path)
  return { ...key, ended: started.ended }
}

describe.skipIf(missing.length > 0)("the compose file", () => {
  beforeAll(async () => {
    project = await startProject()
    broadcaster = (await json<{ readonly id: string }>("POST", "/broadcasters", { display_name: "Composed" })).id
  })
  afterAll(async () => {
    await project?.down()
    await Promise.all(encoders.map(({ ended }) => ended))
  })

  it("runs nothing as root or with a capability", async () => {
    for (const service of ["postgres", "api", "mediamtx"]) {
      const container = await project.container(service)
      assert.notInclude(await statusesOf(container, "Uid"), "0", service)
      assert.deepStrictEqual(await statusesOf(container, "CapEff"), ["0000000000000000"], service)
      assert.deepStrictEqual(await statusesOf(container, "NoNewPrivs"), ["1"], service)
    }
  })

  it("admits a publisher, runs the hooks, lets a viewer play, and ends the publisher when its key is revoked", async () => {
    const { id, ended } = await publish("live/composed")
    const read = ["-rtsp_transport", "tcp", "-i", "rtsp://127.0.0.1:8554/live/composed", "-t", "1", "-f", "null", "-"]
    await project.compose("exec", "--no-TTY", "mediamtx", "ffmpeg", "-loglevel", "error", ...read)
    assert.include([202, 204], (await project.call("DELETE", `/stream-keys/${id}`)).status)
    await ended
    await becomesOver("live/composed")
    const metrics = await (await project.call("GET", "/metrics")).text()
    for (const kind of ["ready", "not_ready"])
      assert.match(metrics, new RegExp(`^greenroom_hooks_total.*kind="${kind}"`, "m"))
    const log = await project.log("mediamtx")
    assert.include(log, "runOnAvailable command started")
    assert.notMatch(log, /mtx-hook: /)
  })

  it("checks the health of the media server without a line in its log", async () => {
    const log = await project.log("mediamtx")
    const fromHere = log.split("\n").filter((line) => /\[RTSP\] \[conn 127\.0\.0\.1/.test(line))
    // The player of the test before is one connection; the check runs every five seconds.
    assert.isAtMost(new Set(fromHere.map((line) => /\[conn [^\]]+\]/.exec(line)?.[0])).size, 1, fromHere.join("\n"))
  })

  it("is not ready while PostgreSQL is paused, is ready again after it, and logs no probe", async () => {
    const postgres = await project.container("postgres")
    await docker(["pause", postgres])
    await expect.poll(readiness, { timeout: 30_000 }).toBe(503)
    await docker(["unpause", postgres])
    await expect.poll(readiness, { timeout: 60_000 }).toBe(200)
    const lines = (await project.log("api")).split("\n").filter((line) => line.includes('"/readyz"'))
    assert.deepStrictEqual(lines, [])
  })

  it("shows a media server that is cut off, and admits publishers when it is back", async () => {
    const [container, network] = [await project.container("mediamtx"), `${project.name}_greenroom`]
    await docker(["network", "disconnect", network, container])
    await expect.poll(mediaServer, { timeout: 30_000 }).toBe("unreachable")
    await docker(["network", "connect", "--alias", "mediamtx", network, container])
    await expect.poll(mediaServer, { timeout: 60_000 }).toBe("ok")
    await publish("live/reconnected")
  })

  it("ends the streams of a media server that was killed, and admits publishers after its start", async () => {
    await docker(["kill", await project.container("mediamtx")])
    await expect.poll(mediaServer, { timeout: 30_000 }).toBe("unreachable")
    await project.compose("up", "--detach", "--wait", "--no-build", "mediamtx")
    await becomesOver("live/reconnected")
    await publish("live/restarted")
  })

  it("keeps its streams while the service is killed and started again", async () => {
    await docker(["kill", await project.container("api")])
    await project.compose("up", "--detach", "--wait", "--no-build", "api")
    await becomesLive("live/restarted")
  })
})
