/** The encoders that are commands, each with a test picture and a tone, so that it shows something when it is pasted. */
import { command, type Ingest, type Lines, type Way, when } from "./encoderWays.ts"
import { printable } from "./format.ts"

const quoted = (text: string): string => `'${printable(text).replaceAll("'", "'\\''")}'`

const picture = "-re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440"
const h264 = "-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60"

const ffmpeg = (
  protocol: Way["protocol"],
  title: string,
  { sound, output }: { readonly sound: string; readonly output: (ingest: Ingest) => string | null }
): Way =>
  command(protocol, title, (ingest) =>
    when(output(ingest), (target) => [`ffmpeg ${picture}`, `${h264} ${sound}`, target])
  )

const AAC = "-c:a aac"

/** The commands in every key's instructions. WHIP is not among them: few installed versions of ffmpeg have it. */
export const ffmpegWays: ReadonlyArray<Way> = [
  ffmpeg("RTMP", "ffmpeg over RTMP", {
    sound: AAC,
    output: ({ rtmp }) => when(rtmp, (url) => `-f flv ${quoted(url)}`)
  }),
  ffmpeg("RTSP", "ffmpeg over RTSP", {
    sound: AAC,
    output: ({ rtsp }) => when(rtsp, (url) => `-f rtsp -rtsp_transport tcp ${quoted(url)}`)
  }),
  ffmpeg("SRT", "ffmpeg over SRT", {
    sound: AAC,
    output: ({ srt }) => when(srt, (url) => `-f mpegts ${quoted(url)}`)
  })
]

export const ffmpegWhip = ffmpeg("WebRTC", "ffmpeg over WebRTC (WHIP), from version 8.0", {
  sound: "-c:a libopus -ar 48000 -ac 2",
  output: ({ whip }) => when(whip, ({ url, bearer }) => `-f whip -authorization ${quoted(bearer)} ${quoted(url)}`)
})

const frames = "videotestsrc is-live=true ! video/x-raw,width=1280,height=720,framerate=30/1 ! videoconvert"
const x264 = "! x264enc tune=zerolatency speed-preset=veryfast key-int-max=60"
const tone = "audiotestsrc is-live=true ! audioconvert"

const gst = (
  protocol: Way["protocol"],
  element: string,
  { sink, inputs }: { readonly sink: (ingest: Ingest) => string | null; readonly inputs: Lines }
): Way =>
  command(protocol, `GStreamer over ${protocol}: ${element}`, (ingest) =>
    when(sink(ingest), (target) => [`gst-launch-1.0 ${target}`, ...inputs])
  )

const encoded = (pictureTo: string, soundTo: string): Lines => [
  frames,
  `${x264} ! ${pictureTo}`,
  `${tone} ! avenc_aac ! ${soundTo}`
]

export const gstreamer: ReadonlyArray<Way> = [
  gst("RTMP", "rtmp2sink", {
    sink: ({ rtmp }) => when(rtmp, (url) => `flvmux name=mux streamable=true ! rtmp2sink location=${quoted(url)}`),
    inputs: encoded("mux.", "mux.")
  }),
  gst("RTSP", "rtspclientsink", {
    sink: ({ rtsp }) => when(rtsp, (url) => `rtspclientsink name=sink protocols=tcp location=${quoted(url)}`),
    inputs: encoded("sink.sink_0", "sink.sink_1")
  }),
  gst("SRT", "srtsink", {
    sink: ({ srt }) => when(srt, (url) => `mpegtsmux name=mux alignment=7 ! srtsink uri=${quoted(url)}`),
    inputs: encoded("mux.", "mux.")
  }),
  // It encodes by itself, so that it can follow the network.
  gst("WebRTC", "whipclientsink", {
    sink: ({ whip }) =>
      when(
        whip,
        ({ url, bearer }) =>
          `whipclientsink name=sink signaller::whip-endpoint=${quoted(url)} signaller::auth-token=${quoted(bearer)}`
      ),
    inputs: [frames, "! sink.", `${tone} ! sink.`]
  })
]
