/**
 * The encoders that `keys create --encoder` knows: where each takes the address and the key, what goes wrong with it, and what a phone
 * can scan. The one table of them: the command line's text is made of it, and `docs/encoders.md` is held to it by a test.
 */
import { ffmpegWays, ffmpegWhip, gstreamer } from "./encoderCommands.ts"
import { dji, gopro, hardware, larix, moblin, obsRtmp, obsSrt, obsWhip, vmix, withPort } from "./encoderForms.ts"
import { type Ingest, type Issued, type Way, when } from "./encoderWays.ts"
import { cut } from "./format.ts"

/** What the QR code of a phone's encoder holds. */
export interface Scan {
  readonly link: (issued: Issued) => string | null
  readonly how: string
}

export interface Encoder {
  readonly title: string
  readonly ways: ReadonlyArray<Way>
  readonly notes: ReadonlyArray<string>
  readonly scan?: Scan
}

/** Columns of the connection's name in an app; a longer one makes the code harder to scan. */
const NAME_COLUMNS = 24

const nameOf = ({ label, path }: Issued): string => cut(label ?? path ?? "Greenroom", NAME_COLUMNS)

/** https://softvelum.com/larix/grove/: `url` is the one parameter that is required. */
const larixLink = (issued: Issued): string | null =>
  when(
    issued.ingest.rtmp,
    (url) => `larix://set/v1?conn[][url]=${encodeURIComponent(url)}&conn[][name]=${encodeURIComponent(nameOf(issued))}`
  )

/** Moblin's own MoblinSettingsUrl: the query is percent-encoded JSON, the path is empty. */
const moblinLink = (issued: Issued): string | null =>
  when(
    issued.ingest.rtmp,
    (url) => `moblin://?${encodeURIComponent(JSON.stringify({ streams: [{ name: nameOf(issued), url }] }))}`
  )

const asText = "The phone's camera shows it as text: copy that, and paste it into the app."

export const encoders = {
  obs: {
    title: "OBS over RTMP",
    ways: [obsRtmp],
    notes: [
      'Leave "Use authentication" off: MediaMTX does not see what stands in its fields.',
      "No slash at the end of Server, and the key never there: it belongs behind the ? of Stream Key."
    ]
  },
  "obs-whip": {
    title: "OBS over WebRTC",
    ways: [obsWhip],
    notes: ["In Output, Advanced: keyframe interval 1 s, profile baseline, tune zerolatency."]
  },
  "obs-srt": {
    title: "OBS over SRT",
    ways: [obsSrt],
    notes: ["Another latency: &latency=500000 at the end of Server, in microseconds."]
  },
  vmix: {
    title: "vMix",
    ways: vmix,
    notes: ["Leave multi bitrate off: it puts a number behind the stream key, which makes it another key."]
  },
  larix: {
    title: "Larix Broadcaster",
    ways: larix,
    notes: ["The whole URL in one field; user and password stay empty."],
    scan: { link: larixLink, how: "The phone's camera opens it in Larix, which asks before it adds the connection." }
  },
  moblin: {
    title: "Moblin",
    ways: moblin,
    notes: ["The whole URL in one field. Moblin splits it at its last slash."],
    scan: { link: moblinLink, how: "The phone's camera opens it in Moblin, which asks before it adds the stream." }
  },
  gopro: {
    title: "GoPro",
    ways: [gopro],
    notes: ["The whole URL in one field. Where an app asks for a stream key apart from it, use --encoder hardware."],
    scan: { link: ({ ingest }) => ingest.rtmp, how: asText }
  },
  dji: {
    title: "DJI",
    ways: [dji],
    notes: ["The whole URL in one field, with its port: some models do not connect without one."],
    scan: { link: ({ ingest }) => when(ingest.rtmp, withPort), how: asText }
  },
  ffmpeg: {
    title: "ffmpeg",
    ways: [...ffmpegWays, ffmpegWhip],
    notes: [
      "The commands send a test picture; for a file put -re -i FILE in the place of both -f lavfi -i …",
      "Keep the quotes: without them the shell ends the address at the first &."
    ]
  },
  gstreamer: {
    title: "GStreamer",
    ways: gstreamer,
    notes: [
      "The commands send a test picture.",
      "rtmp2sink's own username and password do not reach MediaMTX: the key stays in the location."
    ]
  },
  hardware: {
    title: "Hardware encoder",
    ways: hardware,
    notes: [
      "User name, password and authentication stay empty or off: MediaMTX reads the key behind the ? of the stream.",
      "A Stream ID has at most 512 characters; nothing of an address (&pkt_size=…) belongs behind it."
    ]
  }
} as const satisfies Readonly<Record<string, Encoder>>

export type EncoderName = keyof typeof encoders

export const encoderNames = Object.keys(encoders) as ReadonlyArray<EncoderName>

export const encoderOf = (name: EncoderName): Encoder => encoders[name]

/** The texts of the ways that this key has. */
export const waysOf = ({ ways }: Pick<Encoder, "ways">, ingest: Ingest): ReadonlyArray<string> =>
  ways.map(({ show }) => show(ingest)).filter((text) => text !== null)
