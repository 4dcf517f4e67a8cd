/** The ports of a media server that Greenroom starts itself: `MEDIAMTX_PORTS`, such as `rtmp=11935,hls=18888`. Others keep their defaults. */
import { Schema, SchemaTransformation } from "effect"

export const defaultPorts = {
  api: 9997,
  rtmp: 1935,
  rtsp: 8554,
  srt: 8890,
  hls: 8888,
  webrtc: 8889,
  webrtcUdp: 8189
} as const

export type PortName = keyof typeof defaultPorts
export type MediaServerPorts = { readonly [N in PortName]: number }

const names = Object.keys(defaultPorts) as ReadonlyArray<PortName>
const sentence = `expected ports such as rtmp=1935,hls=8888 (of ${names.join(", ")}), each once and no two alike`

const parse = (text: string): MediaServerPorts | undefined => {
  const ports: { [N in PortName]: number } = { ...defaultPorts }
  const seen = new Set<string>()
  for (const entry of text.split(",")) {
    const [, name, digits] = /^\s*(\w+)=(\d{1,5})\s*$/.exec(entry) ?? []
    const known = names.find((candidate) => candidate === name)
    const port = Number(digits)
    if (known === undefined || seen.has(known) || port < 1 || port > 65535) return undefined
    seen.add(known)
    ports[known] = port
  }
  return new Set(Object.values(ports)).size === names.length ? ports : undefined
}

const PortNumbers = Schema.Struct({
  api: Schema.Finite,
  rtmp: Schema.Finite,
  rtsp: Schema.Finite,
  srt: Schema.Finite,
  hls: Schema.Finite,
  webrtc: Schema.Finite,
  webrtcUdp: Schema.Finite
})

export const Ports = Schema.String.check(Schema.makeFilter((text) => parse(text) !== undefined || sentence)).pipe(
  Schema.decodeTo(
    PortNumbers,
    SchemaTransformation.transform({
      decode: (text: string): MediaServerPorts => parse(text) ?? defaultPorts,
      encode: (ports: MediaServerPorts) => names.map((name) => `${name}=${ports[name]}`).join(",")
    })
  )
)
