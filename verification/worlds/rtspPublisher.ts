/** A publisher and a reader over RTSP in a few lines: it is ready at once, and costs a test nothing. */
import * as net from "node:net"

const sdp = [
  "v=0",
  "o=- 0 0 IN IP4 127.0.0.1",
  "s=test",
  "c=IN IP4 0.0.0.0",
  "t=0 0",
  "m=video 0 RTP/AVP 96",
  "a=rtpmap:96 H264/90000",
  "a=fmtp:96 packetization-mode=1",
  "a=control:trackID=0",
  ""
].join("\r\n")

/** A connection on which one request follows another; media that arrives between answers is counted. */
const connect = (port: number, url: string) => {
  const socket = net.connect(port, "127.0.0.1")
  let sequence = 0
  let session = ""
  let text = ""
  let media = 0
  let closed = false
  let answered: ((status: number) => void) | undefined
  socket.on("error", () => {})
  socket.on("close", () => {
    closed = true
    answered?.(0)
  })
  socket.on("data", (chunk) => {
    if (answered === undefined) {
      media += chunk.length
      return
    }
    text += chunk.toString("latin1")
    const head = /RTSP\/1\.0 (\d{3})[\s\S]*?\r\n\r\n/.exec(text)
    if (head === null) return
    session = /^Session: ([^;\r\n]+)/im.exec(head[0])?.[1] ?? session
    const tell = answered
    answered = undefined
    text = ""
    tell(Number(head[1]))
  })
  const ask = (method: string, target: string, headers: ReadonlyArray<string> = [], body = "") =>
    new Promise<number>((resolve) => {
      if (closed) return resolve(0)
      answered = resolve
      sequence += 1
      const lines = [
        `${method} ${target} RTSP/1.0`,
        `CSeq: ${sequence}`,
        ...(session === "" ? [] : [`Session: ${session}`]),
        ...headers,
        ...(body === "" ? [] : [`Content-Length: ${body.length}`])
      ]
      socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`)
    })
  const must = async (method: string, target: string, headers: ReadonlyArray<string> = [], body = "") => {
    const status = await ask(method, target, headers, body)
    if (status !== 200) throw new Error(`${method} ${url} was answered with ${status}`)
  }
  return { socket, ask, must, media: () => media, closed: () => closed }
}

/** Publishes until it is closed. */
export const publish = async (port: number, path: string, query = "") => {
  const url = `rtsp://127.0.0.1:${port}/${path}`
  const { socket, must, closed } = connect(port, url)
  await must("ANNOUNCE", `${url}${query}`, ["Content-Type: application/sdp"], sdp)
  await must("SETUP", `${url}/trackID=0${query}`, ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"])
  await must("RECORD", `${url}${query}`, ["Range: npt=0-"])
  let number = 0
  return {
    closed,
    /** One RTP packet with a key frame of nothing. */
    send: () => {
      number += 1
      const packet = Buffer.alloc(4 + 12 + 5)
      packet.write("$", 0)
      packet.writeUInt16BE(17, 2)
      packet.writeUInt16BE(0x80e0, 4)
      packet.writeUInt16BE(number, 6)
      packet.writeUInt32BE(number * 3000, 8)
      packet.writeUInt32BE(1, 12)
      packet.set([0x65, 0x88, 0x84, 0, 0x33], 16)
      socket.write(packet)
    },
    close: () =>
      new Promise<void>((resolve) => {
        socket.once("close", () => resolve())
        socket.destroy()
      })
  }
}

/** Reads until it is closed; `media` counts the bytes that came. */
export const read = async (port: number, path: string) => {
  const url = `rtsp://127.0.0.1:${port}/${path}`
  const { socket, must, media } = connect(port, url)
  await must("DESCRIBE", url, ["Accept: application/sdp"])
  await must("SETUP", `${url}/trackID=0`, ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"])
  await must("PLAY", url, ["Range: npt=0-"])
  return { media, close: () => socket.destroy() }
}
