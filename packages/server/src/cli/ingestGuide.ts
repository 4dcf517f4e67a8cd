/** What to do with a new stream key: the fields of OBS and commands for ffmpeg, ready to paste. The one text that holds a key. */
import type { IssuedStreamKey } from "../http/api/Wire.ts"
import { fields, printable } from "./human.ts"
import { program } from "./program.ts"

type Issued = typeof IssuedStreamKey.Type

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const picture = "-re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440"
const encoding = "-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -c:a aac"

const ffmpeg = (title: string, output: string, url: string | null): ReadonlyArray<string> =>
  url === null ? [] : [`${title}\n  ffmpeg ${picture} \\\n    ${encoding} \\\n    ${output} ${quoted(printable(url))}`]

const section = (title: string, pairs: ReadonlyArray<readonly [string, string]>): string =>
  `${title}\n${fields(pairs).replace(/^/gm, "  ")}`

const nowhere =
  "The service does not know where encoders reach the media server (MEDIAMTX_PUBLIC_URL, PUBLIC_RTMP_URL and the like are not set), so it cannot say what to type in."

export const ingestGuide = ({ key_value, ingest, ...key }: Issued): string => {
  const { obs, rtmp, rtsp, srt, srt_streamid: streamid, whip } = ingest
  const ways = [
    ...(obs === null
      ? []
      : [
          section('OBS: Settings, Stream, Service "Custom"', [
            ["Server", obs.server],
            ["Stream Key", obs.stream_key]
          ])
        ]),
    ...(whip === null
      ? []
      : [
          section('OBS over WebRTC: Service "WHIP"', [
            ["Server", whip.url],
            ["Bearer Token", whip.bearer]
          ])
        ]),
    ...(srt === null || streamid === null
      ? []
      : [
          section("SRT, in an encoder with fields of its own", [
            ["Server", srt.slice(0, srt.indexOf("?"))],
            ["Stream ID", streamid]
          ])
        ]),
    ...ffmpeg("ffmpeg over RTMP", "-f flv", rtmp),
    ...ffmpeg("ffmpeg over RTSP", "-f rtsp -rtsp_transport tcp", rtsp),
    ...ffmpeg("ffmpeg over SRT", "-f mpegts", srt)
  ]
  return [
    `Stream key ${key.id}\n\n  ${printable(key_value)}\n\nThis is the only time that it is shown: copy it now.`,
    ...(ways.length === 0 ? [nowhere] : ways),
    ...(ways.some((way) => way.startsWith("ffmpeg"))
      ? ["The ffmpeg commands send a test picture; for a file put -re -i FILE in the place of both -f lavfi -i …"]
      : []),
    `See it go live: ${program} streams watch`
  ].join("\n\n")
}
