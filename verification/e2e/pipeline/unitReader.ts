/** A reader over RTSP (TCP) that notes when which unit of picture and sound has come, on this process's clock. */
import { createHash } from "node:crypto"
import * as net from "node:net"
import { aacUnits, type Depacketizer, h264Units, rtpPayload } from "./rtpUnits.ts"

export type Kind = "picture" | "sound"

export interface Unit {
  readonly kind: Kind
  readonly hash: string
  /** `performance.now()` when its last byte had come. */
  readonly at: number
}

interface Track {
  readonly kind: Kind
  readonly control: string
  readonly depacketize: Depacketizer
}

/** The tracks of a description, in its order. */
const tracksOf = (sdp: string, base: string): ReadonlyArray<Track> =>
  sdp
    .split(/^m=/m)
    .slice(1)
    .map((section) => {
      const control = /^a=control:(\S+)/m.exec(section)?.[1] ?? ""
      const url = control.startsWith("rtsp:") ? control : `${base}/${control}`
      if (/^a=rtpmap:\d+ H264\//im.test(section)) return { kind: "picture", control: url, depacketize: h264Units() }
      if (/^a=rtpmap:\d+ mpeg4-generic\//im.test(section)) {
        return { kind: "sound", control: url, depacketize: aacUnits() }
      }
      throw new Error(`a track of another codec: m=${section}`)
    })

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

export const readUnits = async (port: number, path: string) => {
  const url = `rtsp://127.0.0.1:${port}/${path}`
  const socket = net.connect(port, "127.0.0.1")
  const units: Array<Unit> = []
  let tracks: ReadonlyArray<Track> = []
  let received: Buffer = Buffer.alloc(0)
  let session = ""
  let sequence = 0
  let answered: (answer: Answer) => void = () => {}

  /** The length of the frame or answer at the beginning of what was received; `undefined` when it is not whole yet. */
  const take = (at: number): number | undefined => {
    if (received[0] === 0x24) {
      if (received.length < 4) return undefined
      const length = 4 + received.readUInt16BE(2)
      if (received.length < length) return undefined
      const channel = received[1]!
      const track = channel % 2 === 0 ? tracks[channel / 2] : undefined
      for (const unit of track?.depacketize(rtpPayload(received.subarray(4, length))) ?? []) {
        units.push({ kind: track!.kind, hash: createHash("sha1").update(unit).digest("base64"), at })
      }
      return length
    }
    const end = received.indexOf("\r\n\r\n")
    if (end < 0) return undefined
    const head = received.subarray(0, end + 4).toString("latin1")
    const length = end + 4 + Number(/^Content-Length: *(\d+)/im.exec(head)?.[1] ?? 0)
    if (received.length < length) return undefined
    const status = Number(/^RTSP\/1\.0 (\d{3})/.exec(head)?.[1])
    session = /^Session: *([^;\r\n]+)/im.exec(head)?.[1] ?? session
    answered({ status, head, body: received.subarray(end + 4, length).toString("utf8") })
    return length
  }
  socket.on("data", (chunk) => {
    const at = performance.now()
    received = Buffer.concat([received, chunk])
    for (let length = take(at); length !== undefined; length = take(at)) received = received.subarray(length)
  })
  socket.on("error", () => {})
  socket.once("close", () => answered({ status: 0, head: "", body: "" }))

  const ask = async (method: string, target: string, header: string): Promise<Answer> => {
    sequence += 1
    const answer = new Promise<Answer>((resolve) => {
      answered = resolve
    })
    const lines = [`${method} ${target} RTSP/1.0`, `CSeq: ${sequence}`, header]
    socket.write(`${[...lines, ...(session === "" ? [] : [`Session: ${session}`])].join("\r\n")}\r\n\r\n`)
    const { status, ...rest } = await answer
    if (status !== 200) throw new Error(`${method} ${target} was answered with ${status}`)
    return { status, ...rest }
  }
  const { head, body } = await ask("DESCRIBE", url, "Accept: application/sdp")
  tracks = tracksOf(body, (/^Content-Base: *(\S+)/im.exec(head)?.[1] ?? url).replace(/\/$/, ""))
  for (const [index, { control }] of tracks.entries()) {
    await ask("SETUP", control, `Transport: RTP/AVP/TCP;unicast;interleaved=${2 * index}-${2 * index + 1}`)
  }
  await ask("PLAY", url, "Range: npt=0-")
  return { units, close: () => socket.destroy() }
}

/** Those that came once: of two that are alike, nobody knows which is which. */
const single = (units: ReadonlyArray<Unit>): ReadonlyMap<string, Unit> => {
  const groups = Map.groupBy(units, ({ kind, hash }) => `${kind} ${hash}`)
  return new Map([...groups].flatMap(([name, [unit, another]]) => (another === undefined ? [[name, unit!]] : [])))
}

/** How many milliseconds later equal units have come on the second reading; those that one of them has alone are left out. */
export const delays = (before: ReadonlyArray<Unit>, after: ReadonlyArray<Unit>) => {
  const later = single(after)
  return [...single(before)].flatMap(([name, { kind, at }]) => {
    const unit = later.get(name)
    return unit === undefined ? [] : [{ kind, millis: unit.at - at }]
  })
}
