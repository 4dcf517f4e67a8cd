/**
 * An RTSP client over TCP, step by step: it can announce and wait, record, pause and record again, which no encoder can be told to,
 * and a hundred of it are cheap. What it sends as a picture is the beginning of one, again and again.
 */
import * as Net from "node:net"
import { Effect } from "effect"

interface Reply {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

const SDP = [
  "v=0",
  "o=- 0 0 IN IP4 127.0.0.1",
  "s=-",
  "c=IN IP4 127.0.0.1",
  "t=0 0",
  "m=video 0 RTP/AVP 96",
  "a=rtpmap:96 H264/90000",
  "a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==",
  "a=control:trackID=0",
  ""
].join("\r\n")

/** MediaMTX gives up a recording session that is silent for its `readTimeout`. */
const PACKET_EVERY_MS = 300
const ANSWER_WITHIN_MS = 20_000

const readReply = (text: string): { readonly reply: Reply; readonly rest: number } | undefined => {
  const end = text.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const [first = "", ...lines] = text.slice(0, end).split("\r\n")
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":")
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    })
  )
  const rest = end + 4 + Number(headers.get("content-length") ?? 0)
  if (text.length < rest) return undefined
  return { reply: { status: Number(first.split(" ")[1]), headers, body: text.slice(end + 4, rest) }, rest }
}

/** Connected; closed with its scope. A request that gets no answer has status 0. `query` follows each URL as it is. */
export const rtspClient = Effect.fnUntraced(function* (address: string, query = "") {
  const { hostname, port, pathname, username, password } = new URL(address)
  const url = `rtsp://${hostname}:${port}${pathname}`
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")
  const authorization: ReadonlyArray<string> = password === "" ? [] : [`Authorization: Basic ${credentials}`]

  let pending = Buffer.alloc(0)
  let session: string | undefined
  let sequence = 0
  let playing = false
  let received = 0
  const waiting: Array<(reply: Reply) => void> = []
  const ended = Promise.withResolvers<void>()
  let over = false

  const socket = yield* Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const connecting = Net.connect(Number(port), hostname)
      connecting.once("connect", () => resume(Effect.succeed(connecting)))
      connecting.once("error", () => resume(Effect.succeed(connecting)))
    }),
    (connected) => Effect.sync(() => connected.destroy())
  )
  socket.setNoDelay(true)
  socket.on("error", () => {})
  socket.once("close", () => {
    over = true
    for (const answer of waiting.splice(0)) answer({ status: 0, headers: new Map(), body: "" })
    ended.resolve()
  })
  socket.on("data", (chunk) => {
    if (playing) {
      received += chunk.length
      return
    }
    pending = Buffer.concat([pending, chunk])
    while (pending.length > 0) {
      if (pending[0] === 0x24) {
        if (pending.length < 4 || pending.length < 4 + pending.readUInt16BE(2)) return
        pending = pending.subarray(4 + pending.readUInt16BE(2))
        continue
      }
      const read = readReply(pending.toString("latin1"))
      if (read === undefined) return
      pending = pending.subarray(read.rest)
      session ??= read.reply.headers.get("session")?.split(";")[0]
      waiting.shift()?.(read.reply)
    }
  })

  const send = (method: string, target: string, more: ReadonlyArray<string> = [], body = "") => {
    const lines = [
      `${method} ${target} RTSP/1.0`,
      `CSeq: ${++sequence}`,
      ...authorization,
      ...(session === undefined ? [] : [`Session: ${session}`]),
      ...more,
      ...(body === "" ? [] : [`Content-Length: ${body.length}`]),
      "",
      body
    ]
    if (over) return Promise.resolve<Reply>({ status: 0, headers: new Map(), body: "" })
    const { promise, resolve } = Promise.withResolvers<Reply>()
    waiting.push(resolve)
    socket.write(lines.join("\r\n"))
    const late = setTimeout(() => resolve({ status: 0, headers: new Map(), body: "" }), ANSWER_WITHIN_MS)
    return promise.finally(() => clearTimeout(late))
  }
  const ask = (...request: Parameters<typeof send>) => Effect.promise(() => send(...request))

  let packets: NodeJS.Timeout | undefined
  let number = 0
  const packet = () => {
    const rtp = Buffer.alloc(4 + 12 + 4)
    rtp.writeUInt8(0x24, 0)
    rtp.writeUInt16BE(16, 2)
    rtp.writeUInt8(0x80, 4)
    rtp.writeUInt8(0x80 | 96, 5)
    rtp.writeUInt16BE(number & 0xffff, 6)
    rtp.writeUInt32BE((number * 9000) >>> 0, 8)
    rtp.writeUInt32BE(0x47524545, 12)
    rtp.set([0x65, 0x88, 0x84, 0x00], 16)
    number += 1
    socket.write(rtp)
  }
  const quiet = Effect.sync(() => clearInterval(packets))
  yield* Effect.addFinalizer(() => quiet)
  const loud = Effect.sync(() => {
    clearInterval(packets)
    packets = setInterval(packet, PACKET_EVERY_MS)
  })

  const transport = (mode: string) => [`Transport: RTP/AVP/TCP;unicast;interleaved=0-1${mode}`]
  return {
    ended: Effect.promise(() => ended.promise),
    hasEnded: () => over,
    /** How many bytes have come since it plays. */
    received: () => received,
    sendPacket: packet,
    kill: Effect.andThen(
      Effect.sync(() => socket.resetAndDestroy()),
      Effect.promise(() => ended.promise)
    ),
    teardown: Effect.andThen(
      ask("TEARDOWN", url),
      Effect.andThen(
        Effect.sync(() => socket.destroy()),
        Effect.promise(() => ended.promise)
      )
    ),
    /** Announces and sets up; `false` when it is refused. */
    announce: Effect.gen(function* () {
      const { status } = yield* ask("ANNOUNCE", url + query, ["Content-Type: application/sdp"], SDP)
      if (status !== 200) return false
      return (yield* ask("SETUP", `${url}/trackID=0${query}`, transport(";mode=record"))).status === 200
    }),
    record: Effect.tap(
      Effect.map(ask("RECORD", url + query), ({ status }) => status),
      loud
    ),
    pause: Effect.tap(
      Effect.map(ask("PAUSE", url), ({ status }) => status),
      quiet
    ),
    /** Reads the first track and throws it away; `false` when it is refused. */
    play: Effect.gen(function* () {
      const { status, body } = yield* ask("DESCRIBE", url)
      if (status !== 200) return false
      const control = /m=[\s\S]*?a=control:(\S+)/.exec(body)?.[1] ?? "trackID=0"
      const track = control.startsWith("rtsp:") ? control : `${url}/${control}`
      if ((yield* ask("SETUP", track, transport(""))).status !== 200) return false
      const played = yield* ask("PLAY", url)
      playing = true
      return played.status === 200
    })
  }
})
