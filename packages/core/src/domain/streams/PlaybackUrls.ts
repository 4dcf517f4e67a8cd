/**
 * Where a stream can be played and published, from the public address of the media server. A URL that is given plays: what is
 * off, or cannot carry the stream's tracks, is `null`; so is SRT for a path with a colon, which its `streamid` would take for
 * the next field, and for one that makes the `streamid` too long. Bases come from the configuration; the paths are MediaMTX's.
 */

/** One base for each protocol that is reachable from outside; a path is appended. SRT's carries it in its `streamid`. */
export interface PublicEndpoints {
  readonly hls: string | null
  readonly webrtc: string | null
  readonly rtmp: string | null
  readonly rtsp: string | null
  readonly srt: string | null
}

/** The public does not reach the media server: every URL is `null`. */
export const noEndpoints: PublicEndpoints = { hls: null, webrtc: null, rtmp: null, rtsp: null, srt: null }

/** What the media server has switched on. */
export type EnabledProtocols = { readonly [P in keyof PublicEndpoints]: boolean }

/** While it is not known what the media server has switched on. */
export const noneEnabled: EnabledProtocols = { hls: false, webrtc: false, rtmp: false, rtsp: false, srt: false }

/** MediaMTX's default. */
export const allEnabled: EnabledProtocols = { hls: true, webrtc: true, rtmp: true, rtsp: true, srt: true }

export interface PlaybackUrls extends PublicEndpoints {}

/** Percent-encodes each segment; what MediaMTX allows in a path but a URL does not (nothing today) cannot slip through. */
export const encodePath = (path: string): string => path.split("/").map(encodeURIComponent).join("/")

/** Characters of an SRT stream id: libsrt refuses a longer one (SRTO_STREAMID) before it connects. */
const STREAM_ID_MAX_LENGTH = 512

const streamIdOf = (path: string, before: string, after: string): string | null => {
  const streamid = `${before}${encodePath(path)}${after}`
  return path.includes(":") || streamid.length > STREAM_ID_MAX_LENGTH ? null : streamid
}

const withoutSlash = (base: string): string => base.replace(/\/+$/, "")

/**
 * The addresses behind one public URL of a reverse proxy, `https://media.example.com`: HLS and WebRTC on it, RTMP on its host,
 * RTSP and SRT on their standard ports.
 */
export const endpointsBehind = (publicUrl: string): PublicEndpoints => {
  const base = withoutSlash(publicUrl)
  const host = new URL(base).hostname
  return { hls: base, webrtc: base, rtmp: `rtmp://${host}`, rtsp: `rtsp://${host}:8554`, srt: `srt://${host}:8890` }
}

const video = /^(AV1|VP8|VP9|H264|H265|MPEG-4 Video|MPEG-1\/2 Video|M-JPEG)$/

/**
 * The codecs that each output brings to its ordinary players, in MediaMTX's words. RTSP carries everything. MediaMTX sends newer codecs
 * over RTMP too, but as Enhanced RTMP, which few players know: classic RTMP is H264 with AAC or MP3.
 */
const carried: { readonly [P in keyof PublicEndpoints]: RegExp } = {
  hls: /^(AV1|VP9|H264|H265|Opus|MPEG-4 Audio)$/,
  webrtc: /^(AV1|VP8|VP9|H264|H265|Opus|G722|G711|LPCM)$/,
  rtmp: /^(H264|MPEG-4 Audio|MPEG-1\/2 Audio)$/,
  rtsp: /^/,
  srt: /^(H264|H265|MPEG-4 Video|MPEG-1\/2 Video|Opus|MPEG-4 Audio|MPEG-4 Audio LATM|MPEG-1\/2 Audio|AC-?3)$/
}

/** Whether a viewer would get something: a picture if there is one, else sound. Unknown tracks are given the benefit of the doubt. */
export const canCarry = (output: keyof PublicEndpoints, codecs: ReadonlyArray<string>): boolean => {
  if (codecs.length === 0) return true
  const pictures = codecs.filter((codec) => video.test(codec))
  return (pictures.length > 0 ? pictures : codecs).some((codec) => carried[output].test(codec))
}

/** In the order in which they are tried. */
export const unplayableReasons = ["not_active", "no_address", "protocol_off", "path", "codec"] as const
/**
 * Why an output has no URL. `not_active`: the stream is not on the air. `no_address`: no public address is configured. `protocol_off`: on the media
 * server, as far as is known. `path`: SRT cannot name it. `codec`: no ordinary player shows the tracks.
 */
export type WhyUnplayable = (typeof unplayableReasons)[number]

/** `null` where there is a URL. */
export type Unplayable = { readonly [P in keyof PublicEndpoints]: WhyUnplayable | null }

/** For each output a URL, or why there is none. */
export interface Playback {
  readonly urls: PlaybackUrls
  readonly unplayable: Unplayable
}

const ofEach = <A>(of: (output: keyof PublicEndpoints) => A): { readonly [P in keyof PublicEndpoints]: A } => ({
  hls: of("hls"),
  webrtc: of("webrtc"),
  rtmp: of("rtmp"),
  rtsp: of("rtsp"),
  srt: of("srt")
})

/** Before a stream is active, and after that. */
export const notActive: Playback = { urls: noEndpoints, unplayable: ofEach(() => "not_active") }

/** Where a path plays, or why it does not: an output may be off, have no public address, or carry none of the codecs. */
export const playbackOf = (
  addresses: PublicEndpoints,
  served: EnabledProtocols,
  path: string,
  codecs: ReadonlyArray<string>
): Playback => {
  const encoded = encodePath(path)
  const toRead = streamIdOf(path, "read:", "")
  const ends = { hls: `/${encoded}/index.m3u8`, webrtc: `/${encoded}/whep`, rtmp: `/${encoded}`, rtsp: `/${encoded}` }
  const why = (output: keyof PublicEndpoints): WhyUnplayable | null => {
    if (addresses[output] === null) return "no_address"
    if (!served[output]) return "protocol_off"
    if (output === "srt" && toRead === null) return "path"
    return canCarry(output, codecs) ? null : "codec"
  }
  const unplayable = ofEach(why)
  const urls = ofEach((output) => {
    const base = addresses[output]
    if (base === null || unplayable[output] !== null) return null
    return `${withoutSlash(base)}${output === "srt" ? `?streamid=${toRead}` : ends[output]}`
  })
  return { urls, unplayable }
}

/** What to type into an encoder. Shown once, with the key in it, in the answer that creates the key. */
export interface IngestInstructions {
  readonly obs: { readonly server: string; readonly stream_key: string } | null
  readonly rtmp: string | null
  readonly rtsp: string | null
  readonly srt: string | null
  /** The `streamid` of `srt` alone, for encoders with a field for it: what else stands in the URL must not get into that. */
  readonly srt_streamid: string | null
  readonly whip: { readonly url: string; readonly bearer: string } | null
}

const ANY_USER = "greenroom"

/**
 * RTMP takes the key from the query only (`rtmp://user:pass@host` sends nothing), and OBS splits the URL before the last segment
 * and keeps a query only on the stream key.
 */
export const ingestInstructions = (
  addresses: PublicEndpoints,
  served: EnabledProtocols,
  path: string,
  key: string
): IngestInstructions => {
  const encoded = encodePath(path)
  const query = `user=${ANY_USER}&pass=${key}`
  const base = (protocol: Exclude<keyof PublicEndpoints, "hls">): string | null => {
    const address = addresses[protocol]
    return address === null || !served[protocol] ? null : withoutSlash(address)
  }
  const rtmp = base("rtmp")
  const rtsp = base("rtsp")
  const srt = base("srt")
  const webrtc = base("webrtc")
  const slash = encoded.lastIndexOf("/")
  const streamid = srt === null ? null : streamIdOf(path, "publish:", `:${ANY_USER}:${key}`)
  return {
    obs:
      rtmp === null
        ? null
        : {
            server: slash === -1 ? rtmp : `${rtmp}/${encoded.slice(0, slash)}`,
            stream_key: `${encoded.slice(slash + 1)}?${query}`
          },
    rtmp: rtmp === null ? null : `${rtmp}/${encoded}?${query}`,
    rtsp: rtsp === null ? null : `${rtsp.replace("://", `://${ANY_USER}:${key}@`)}/${encoded}`,
    srt: streamid === null ? null : `${srt}?streamid=${streamid}&pkt_size=1316`,
    srt_streamid: streamid,
    whip: webrtc === null ? null : { url: `${webrtc}/${encoded}/whip`, bearer: key }
  }
}
