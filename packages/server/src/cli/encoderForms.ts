/** The encoders that have fields: what goes into which. Names of fields are those that the programs show. */
import { form, type Ingest, type Way, when } from "./encoderWays.ts"

const EMPTY = "(leave it empty)"

/** For encoders with separate fields. Without a port RTMP goes to 1935, and RTMPS to 443, as for encoders that leave it out. */
const serverOf = (url: string) => {
  const { protocol, hostname, port, pathname } = new URL(url)
  return { host: hostname, port: port === "" ? (protocol === "rtmps:" ? "443" : "1935") : port, app: pathname.slice(1) }
}

export const withPort = (url: string): string => {
  const explicit = new URL(url)
  if (explicit.port === "") explicit.port = serverOf(url).port
  return explicit.href
}

/** Whether an address is one of the machine that it is typed into. */
export const isLoopback = (url: string): boolean => /^(127\.|localhost$|\[::1\]$)/.test(new URL(url).hostname)

/** The server without its query, and the stream id: what is left of an SRT address in fields of their own. */
const srtParts = ({ srt, srt_streamid: streamid }: Ingest) =>
  srt === null || streamid === null ? null : { server: srt.slice(0, srt.indexOf("?")), streamid }

const srtCaller = (title: string, mode: string, host: string): Way =>
  form("SRT", title, (ingest) =>
    when(srtParts(ingest), ({ server, streamid }) => {
      const at = serverOf(server)
      return [
        [mode, "Caller"],
        [host, at.host],
        ["Port", at.port],
        ["Stream ID", streamid]
      ]
    })
  )

/** The address up to the application, and the stream with the key: RTMP's two fields, under the names that a program has for them. */
const rtmpPair = (title: string, server: string, stream: string): Way =>
  form("RTMP", title, ({ obs }) =>
    when(obs, (both) => [
      [server, both.server],
      [stream, both.stream_key]
    ])
  )

const rtmpUrl = (title: string, field: string, shown: (url: string) => string = (url) => url): Way =>
  form("RTMP", title, ({ rtmp }) => when(rtmp, (url) => [[field, shown(url)]]))

export const obsRtmp = rtmpPair('OBS: Settings, Stream, Service "Custom"', "Server", "Stream Key")

export const obsWhip = form("WebRTC", 'OBS over WebRTC: Service "WHIP"', ({ whip }) =>
  when(whip, ({ url, bearer }) => [
    ["Server", url],
    ["Bearer Token", bearer]
  ])
)

export const obsSrt = form("SRT", 'OBS over SRT: Settings, Stream, Service "Custom"', ({ srt }) =>
  when(srt, (url) => [
    ["Server", url],
    ["Stream Key", EMPTY]
  ])
)

export const srtFields = form("SRT", "SRT, in an encoder with fields of its own", (ingest) =>
  when(srtParts(ingest), ({ server, streamid }) => [
    ["Server", server],
    ["Stream ID", streamid]
  ])
)

export const vmix: ReadonlyArray<Way> = [
  rtmpPair('vMix: Stream settings, Destination "Custom RTMP Server"', "URL", "Stream Name or Key"),
  srtCaller("vMix over SRT: Enable SRT", "Type", "Hostname")
]

export const larix: ReadonlyArray<Way> = [
  rtmpUrl("Larix Broadcaster: Settings, Connections, a new connection", "URL"),
  form("SRT", "Larix Broadcaster over SRT: Settings, Connections, a new connection", (ingest) =>
    when(srtParts(ingest), ({ server, streamid }) => [
      ["URL", server],
      ["streamid", streamid]
    ])
  )
]

export const moblin: ReadonlyArray<Way> = [
  rtmpUrl("Moblin: the URL of a stream", "URL"),
  form("SRT", "Moblin over SRT: the URL of a stream", (ingest) =>
    when(srtParts(ingest), ({ server, streamid }) => [["URL", `${server}?streamid=${streamid}`]])
  )
]

export const gopro = rtmpUrl("GoPro: live stream, RTMP", "URL")

export const dji = rtmpUrl("DJI: live stream, RTMP", "Address", withPort)

export const hardware: ReadonlyArray<Way> = [
  rtmpPair("Encoder with a field for the server and one for the stream", "Server URL", "Stream Name or Key"),
  form("RTMP", "Encoder with separate fields", ({ obs }) =>
    when(obs, ({ server, stream_key: stream }) => {
      const { host, port, app } = serverOf(server)
      return [
        ["Host", host],
        ["Port", port],
        ["Application", app === "" ? EMPTY : app],
        ["Stream", stream]
      ]
    })
  ),
  srtCaller("Encoder with SRT", "Mode", "Host")
]
