/** Ports of a media server that Greenroom starts itself: `MEDIAMTX_PORTS`, such as `rtmp=11935,hls=18888`. Others keep their defaults. */
import { Schema, SchemaTransformation } from "effect"

export const portNames = ["api", "rtmp", "rtsp", "srt", "hls", "webrtc", "webrtcUdp"] as const
export type MediaServerPorts = { readonly [N in (typeof portNames)[number]]?: number }

const sentence = `expected ports such as rtmp=1935,hls=8888 (of ${portNames.join(", ")}), each once and no two alike`

const parse = (text: string): MediaServerPorts | undefined => {
  const ports: { [N in (typeof portNames)[number]]?: number } = {}
  for (const entry of text.split(",")) {
    const [, name, digits] = /^\s*(\w+)=(\d{1,5})\s*$/.exec(entry) ?? []
    const known = portNames.find((candidate) => candidate === name)
    const port = Number(digits)
    if (known === undefined || ports[known] !== undefined || port < 1 || port > 65535) return undefined
    ports[known] = port
  }
  return new Set(Object.values(ports)).size === Object.keys(ports).length ? ports : undefined
}

const PortNumbers = Schema.Record(Schema.Literals(portNames), Schema.optionalKey(Schema.Finite))

export const Ports = Schema.String.check(Schema.makeFilter((text) => parse(text) !== undefined || sentence)).pipe(
  Schema.decodeTo(
    PortNumbers,
    SchemaTransformation.transform({
      decode: (text: string): MediaServerPorts => parse(text) ?? {},
      encode: (ports: MediaServerPorts) =>
        Object.entries(ports)
          .map(([name, port]) => `${name}=${port}`)
          .join(",")
    })
  )
)
