/** The MediaMTX of one version: how it is published to over each protocol that it has, and what its own lists show. */
import { isAtLeast, type Version } from "@greenroom/mediamtx-simulator"
import { Context, Effect, Layer } from "effect"
import type { IssuedKey } from "../../worlds/Api.ts"
import { browserBinary } from "../../worlds/browser.ts"
import { type Encryption, encryption } from "../../worlds/encryption.ts"
import { freePorts } from "../../worlds/processes.ts"
import type { RealBinary } from "../../worlds/realBinaries.ts"
import { asksNobody, inFrontOf, type MediaServerOptions } from "../../worlds/realDeployments.ts"
import type { RealMediaMtx } from "../../worlds/realMediaMtx.ts"
import { API_SECRET, authAddress } from "../../worlds/runService.ts"
import { pathOf, type Target, targetOf } from "../../worlds/Target.ts"
import { TestDeployment } from "../../worlds/TestDeployment.ts"

/** What an encoder is set to; each is a column of the table. */
export const ways = ["rtmp", "rtmps", "rtsp", "rtsps", "srt", "webrtc", "moq"] as const
export type Way = (typeof ways)[number]

/** What Greenroom shows of a stream that comes so: MediaMTX asks by the plain name also over TLS. Up to 1.10 it writes `webrtcSession`. */
export const shownAs: { readonly [W in Way]: { readonly protocol: string; readonly sourceType: string } } = {
  rtmp: { protocol: "rtmp", sourceType: "rtmpConn" },
  rtmps: { protocol: "rtmp", sourceType: "rtmpsConn" },
  rtsp: { protocol: "rtsp", sourceType: "rtspSession" },
  rtsps: { protocol: "rtsp", sourceType: "rtspsSession" },
  srt: { protocol: "srt", sourceType: "srtConn" },
  webrtc: { protocol: "webrtc", sourceType: "webRTCSession" },
  moq: { protocol: "moq", sourceType: "moqSession" }
}

export const needsBrowser = (way: Way) => way === "webrtc" || way === "moq"

/** What the version has and this machine can play. */
export const waysOf = (version: Version): ReadonlyArray<Way> =>
  ways
    .filter((way) => way !== "moq" || isAtLeast(version, "1.19.0"))
    .filter((way) => !needsBrowser(way) || browserBinary !== undefined)

interface PathItem {
  readonly name: string
  readonly ready: boolean
  readonly source: { readonly type: string; readonly id: string } | null
}

const ANSWERS_WITHIN_MS = 10_000

export class MediaUnderTest extends Context.Service<
  MediaUnderTest,
  {
    readonly targetOf: (key: IssuedKey, way: Way) => Target
    /** Whether MediaMTX's own list shows a publisher there; `undefined` while it does not answer. */
    readonly isPublished: (path: string) => Effect.Effect<boolean | undefined>
    readonly log: Effect.Effect<string>
  }
>()("greenroom/e2e/MediaUnderTest") {}

const listedBy = ({ apiUrl }: RealMediaMtx) =>
  Effect.promise(async () => {
    const authorization = `Basic ${Buffer.from(`greenroom:${API_SECRET}`).toString("base64")}`
    const init = { headers: { authorization }, signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) }
    const response = await fetch(`${apiUrl}/v3/paths/list?itemsPerPage=1000`, init).catch(() => null)
    if (response?.status !== 200) return undefined
    return ((await response.json()) as { readonly items: ReadonlyArray<PathItem> }).items
  })

const mediaUnderTest = (mtx: RealMediaMtx, tls: Encryption["ports"], moqPort: number) => {
  const encrypted = ({ url, ...target }: Target, scheme: "rtmps" | "rtsps"): Target => ({
    ...target,
    url: url
      .replace(/^rt[ms]p:/, `${scheme}:`)
      .replace(`:${mtx.ports[target.protocol as "rtmp" | "rtsp"]}/`, `:${tls[scheme]}/`)
  })
  return MediaUnderTest.of({
    targetOf: (key, way) => {
      switch (way) {
        case "rtmps":
          return encrypted(targetOf(key, "rtmp"), way)
        case "rtsps":
          return encrypted(targetOf(key, "rtsp"), way)
        case "moq": {
          const path = pathOf(key)
          return { protocol: "moq", path, url: `https://127.0.0.1:${moqPort}/${path}`, bearer: key.key_value }
        }
        default:
          return targetOf(key, way)
      }
    },
    isPublished: (path) =>
      Effect.map(listedBy(mtx), (paths) =>
        paths?.some(({ name, ready, source }) => name === path && ready && source !== null)
      ),
    log: mtx.log
  })
}

/** As many times what is promised: a deadline that passes is a finding here, so it comes soon. */
const SLACK = 6

const make = Effect.fnUntraced(function* (
  binary: RealBinary,
  inFront: (options: MediaServerOptions) => ReturnType<typeof inFrontOf>
) {
  const { version } = binary
  const { ports, lines } = yield* encryption("optional", version)
  const [moqPort = 0] = yield* Effect.promise(() => freePorts(1))
  const hasMoq = waysOf(version).includes("moq")
  // The URLs stay those of the plain protocols.
  const options = { binary, tls: { ports, lines, urls: {} }, ...(hasMoq ? { moqPort } : {}) }
  const { deployment, mtx } = yield* inFront(options)
  const own = TestDeployment.of({ ...deployment, slack: SLACK })
  return Context.make(TestDeployment, own).pipe(Context.add(MediaUnderTest, mediaUnderTest(mtx, ports, moqPort)))
})

/** It asks Greenroom. */
export const asking = (binary: RealBinary) =>
  Layer.effectContext(make(binary, (options) => inFrontOf(authAddress, options)))

/** It admits every publisher by itself. */
export const open = (binary: RealBinary) => Layer.effectContext(make(binary, asksNobody))
