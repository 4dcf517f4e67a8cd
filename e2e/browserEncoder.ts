/**
 * A headless Chromium that publishes its fake camera over WHIP, from a page of ours on the loopback. The page tells us what
 * becomes of it. A browser for each encoder, so that one can be killed.
 */
import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { Deferred, Effect } from "effect"
import type { Target } from "../packages/server/test/scenarios/Target.ts"
import type { Encoder } from "../packages/server/test/scenarios/Venue.ts"

const isExecutable = (file: string) => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export const browserBinary = (process.env.PATH ?? "")
  .split(path.delimiter)
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => path.join(folder, name)))
  .find(isExecutable)

/** What it says is `over` when the server refuses, or when ICE has lost its peer. */
const page = `<!doctype html><script type="module">
const say = (word) => fetch("/say", { method: "POST", body: word })
try {
  const { url, bearer, codec } = await (await fetch("/target")).json()
  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 180, frameRate: 10 }, audio: true })
  const peer = new RTCPeerConnection()
  peer.onconnectionstatechange = () => {
    if (["disconnected", "failed", "closed"].includes(peer.connectionState)) say("over")
  }
  for (const track of media.getTracks()) {
    const transceiver = peer.addTransceiver(track, { direction: "sendonly" })
    const { codecs } = RTCRtpSender.getCapabilities(track.kind)
    if (track.kind === "video") transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === "video/" + codec))
  }
  await peer.setLocalDescription(await peer.createOffer())
  await new Promise((resolve) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve()
    setTimeout(resolve, 1000)
  })
  const headers = { Authorization: "Bearer " + bearer, "Content-Type": "application/sdp" }
  const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp })
  if (answer.status === 201) await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() })
  else say("over")
} catch {
  say("over")
}
</script>`

export type VideoCodec = "H264" | "VP8"

const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--allow-loopback-in-peer-connection"
]

const servePage = (target: Target, codec: VideoCodec, over: () => void) =>
  Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => {
        if (request.url === "/say") over()
        if (request.url === "/target") response.end(JSON.stringify({ url: target.url, bearer: target.bearer, codec }))
        else response.setHeader("content-type", "text/html").end(request.url === "/" ? page : "")
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

/** H264, which HLS can carry, unless told otherwise. */
export const browserEncoder = Effect.fnUntraced(function* (target: Target, codec: VideoCodec = "H264") {
  const over = yield* Deferred.make<void>()
  const end = () => void Deferred.doneUnsafe(over, Effect.void)
  const server = yield* servePage(target, codec, end)
  const profile = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(path.join(tmpdir(), "greenroom-browser-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
  )
  const { port } = server.address() as AddressInfo
  const browser = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const args = [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`]
      // A process group of its own: a browser is many processes, and its death is all of theirs.
      const child = spawn(browserBinary ?? "chromium", args, {
        stdio: "ignore",
        detached: true,
        env: { ...process.env, TMPDIR: profile }
      })
      child.once("exit", end)
      return child
    }),
    (child) =>
      Effect.sync(() => {
        if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
          process.kill(-child.pid, "SIGKILL")
      })
  )
  const encoder: Encoder = {
    protocol: "webrtc",
    ended: Deferred.await(over),
    hasEnded: () => Deferred.isDoneUnsafe(over),
    kill: Effect.andThen(
      Effect.sync(() => process.kill(-browser.pid!, "SIGKILL")),
      Deferred.await(over)
    )
  }
  return encoder
})
