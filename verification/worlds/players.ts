/**
 * Real players of a playback token's URLs: ffmpeg and GStreamer as processes, hls.js and WHEP in a headless Chromium. Each says how much it has played
 * so far, and when it has ended.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { Effect, type Scope } from "effect"
import { browserPage } from "./browser.ts"
import { ffmpegBinary, inPath } from "./realBinaries.ts"

export const gstreamerBinary = inPath("gst-launch-1.0")

/** As `POST /playback-tokens` answers. */
export interface TokenUrls {
  readonly hls: string
  readonly hls_bearer: { readonly url: string; readonly bearer: string }
  readonly webrtc: { readonly url: string; readonly bearer: string }
  readonly rtmp: string
  readonly rtsp: string
  readonly rtsp_basic: string
  readonly srt: string
}

export interface Player {
  /** Grows while it plays; in units of its own. */
  readonly played: () => number
  readonly hasEnded: () => boolean
  /** When it was last seen to play more, in `performance.now()`. */
  readonly lastPlayedAt: () => number
  readonly shown: () => string
  readonly stop: Effect.Effect<void>
}

const SHOWN_MAX = 4_000

interface Progress {
  played: number
  at: number
  shown: string
}

const isOver = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

const processPlayer = Effect.fnUntraced(function* (
  command: string,
  args: ReadonlyArray<string>,
  playedIn: (text: string) => number | null
): Effect.fn.Return<Player, never, Scope.Scope> {
  const progress: Progress = { played: 0, at: 0, shown: "" }
  const stop = (child: ChildProcess) =>
    Effect.callback<void>((resume) => {
      if (isOver(child)) return resume(Effect.void)
      child.once("exit", () => resume(Effect.void))
      child.kill("SIGKILL")
    })
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] })),
    stop
  )
  const read = (chunk: Buffer) => {
    progress.shown = (progress.shown + chunk.toString()).slice(-SHOWN_MAX)
    const played = playedIn(chunk.toString())
    if (played === null || played <= progress.played) return
    progress.played = played
    progress.at = performance.now()
  }
  child.stdout.on("data", read)
  child.stderr.on("data", read)
  return {
    played: () => progress.played,
    hasEnded: () => isOver(child),
    lastPlayedAt: () => progress.at,
    shown: () => progress.shown,
    stop: stop(child)
  }
})

const lastOf = (pattern: RegExp, text: string): number | null => {
  const found = [...text.matchAll(pattern)].at(-1)?.[1]
  return found === undefined ? null : Number(found)
}

/** `-progress` writes how far it is each half second, or more often. */
export const ffmpegPlayer = (url: string, before: ReadonlyArray<string> = []) =>
  processPlayer(
    ffmpegBinary ?? "ffmpeg",
    [
      ...["-hide_banner", "-loglevel", "error", "-stats_period", "0.1", "-progress", "pipe:1"],
      ...[...before, "-i", url, "-map", "0:v:0", "-c", "copy", "-f", "null", "-"]
    ],
    (text) => lastOf(/^frame=\s*(\d+)$/gm, text)
  )

/** GStreamer over RTSP: counts the buffers of the picture. */
export const gstreamerPlayer = (url: string) => {
  const { username, password } = new URL(url)
  const location = url.replace(`${username}:${password}@`, "")
  let buffers = 0
  return processPlayer(
    gstreamerBinary ?? "gst-launch-1.0",
    [
      ...["-v", "rtspsrc", `location=${location}`, `user-id=${username}`, `user-pw=${password}`, "protocols=tcp"],
      ...["!", "application/x-rtp,media=video", "!", "identity", "silent=false", "!", "fakesink", "sync=false"]
    ],
    (text) => {
      const found = text.match(/identity0: last-message/g)?.length ?? 0
      buffers += found
      return found === 0 ? null : buffers
    }
  )
}

const browserPlayer = Effect.fnUntraced(function* (
  script: string,
  settings: unknown,
  files: Readonly<Record<string, string>> = {}
): Effect.fn.Return<Player, never, Scope.Scope> {
  const progress: Progress = { played: 0, at: 0, shown: "" }
  const page = yield* browserPage({
    protocol: "webrtc",
    script,
    settings,
    files,
    reported: (text) => {
      const played = Number(text)
      if (!(played > progress.played)) return
      progress.played = played
      progress.at = performance.now()
    }
  })
  return {
    played: () => progress.played,
    hasEnded: page.hasEnded,
    lastPlayedAt: () => progress.at,
    shown: page.shown,
    stop: page.stop
  }
})

/** hls.js, with the token as a bearer, in a low-latency profile. It is over at its first fatal error. */
const hlsScript = `
  await new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = "/hls.min.js"
    script.onload = resolve
    script.onerror = () => reject(new Error("hls.js does not load"))
    document.head.append(script)
  })
  const video = document.createElement("video")
  video.muted = true
  document.body.append(video)
  const { url, bearer } = settings
  const xhrSetup = (xhr) => bearer === null ? undefined : xhr.setRequestHeader("Authorization", "Bearer " + bearer)
  const hls = new Hls({ lowLatencyMode: true, xhrSetup, manifestLoadPolicy: { default: { maxTimeToFirstByteMs: 10000, maxLoadTimeMs: 10000, timeoutRetry: null, errorRetry: null } } })
  hls.on(Hls.Events.ERROR, (_, data) => data.fatal && over(data.details + " " + (data.response?.code ?? "")))
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play())
  hls.loadSource(url)
  hls.attachMedia(video)
  setInterval(() => report(video.currentTime), 100)
  await stopped
  hls.destroy()
  over("stopped")`

/** WHEP: counts decoded pictures, because its time goes on without any. */
const whepScript = `
  const { url, bearer } = settings
  const peer = new RTCPeerConnection()
  peer.onconnectionstatechange = () => {
    if (["failed", "closed"].includes(peer.connectionState)) over(peer.connectionState)
  }
  const video = document.createElement("video")
  video.muted = true
  video.autoplay = true
  document.body.append(video)
  const stream = new MediaStream()
  video.srcObject = stream
  peer.ontrack = ({ track }) => stream.addTrack(track)
  for (const kind of ["video", "audio"]) peer.addTransceiver(kind, { direction: "recvonly" })
  await peer.setLocalDescription(await peer.createOffer())
  await new Promise((resolve) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve()
    setTimeout(resolve, 1000)
  })
  const headers = { Authorization: "Bearer " + bearer, "Content-Type": "application/sdp" }
  const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp })
  if (answer.status !== 201) over("HTTP " + answer.status)
  else {
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() })
    setInterval(async () => {
      for (const one of (await peer.getStats()).values())
        if (one.type === "inbound-rtp" && one.kind === "video") report(one.framesDecoded ?? 0)
    }, 100)
    await stopped
    peer.close()
    over("stopped")
  }`

/** Many WHEP viewers in one page; it reports how many of them play. */
const whepCrowdScript = `
  const playing = new Set()
  const watch = async ({ url, bearer }, index) => {
    const peer = new RTCPeerConnection()
    peer.addTransceiver("video", { direction: "recvonly" })
    await peer.setLocalDescription(await peer.createOffer())
    await new Promise((resolve) => {
      peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve()
      setTimeout(resolve, 500)
    })
    const headers = { Authorization: "Bearer " + bearer, "Content-Type": "application/sdp" }
    const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp })
    if (answer.status !== 201) throw new Error("HTTP " + answer.status)
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() })
    setInterval(async () => {
      for (const one of (await peer.getStats()).values())
        if (one.type === "inbound-rtp" && one.kind === "video" && one.packetsReceived > 0) playing.add(index)
    }, 500)
  }
  for (const [index, one] of settings.entries()) await watch(one, index)
  setInterval(() => report(playing.size), 200)
  await stopped
  over("stopped")`

/** `played`: how many of them have got a picture. */
export const whepCrowd = (targets: ReadonlyArray<TokenUrls["webrtc"]>) => browserPlayer(whepCrowdScript, targets)

/** `library`: the text of hls.js. */
export const hlsJsPlayer = (url: string, bearer: string | null, library: string) =>
  browserPlayer(hlsScript, { url, bearer }, { "/hls.min.js": library })

export const whepPlayer = (url: string, bearer: string) => browserPlayer(whepScript, { url, bearer })
