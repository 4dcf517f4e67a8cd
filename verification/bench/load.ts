/**
 * The clients: HTTP over bare sockets, because a client library's own time would be most of what is measured. A call is timed from
 * before its connection or write until the last byte of its answer.
 */
import { connect, type Socket } from "node:net"

export interface Call {
  readonly bytes: Buffer
  /** Any other status is an error. */
  readonly expected: number
}

export interface Sample {
  readonly millis: number
  /** What went wrong. */
  readonly error: string | null
}

const ANSWER_WITHIN_MS = 10_000

export const call = (
  line: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  expected: number
): Call => {
  const text = body === undefined ? "" : JSON.stringify(body)
  const entity =
    body === undefined ? [] : ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(text)}`]
  const fields = Object.entries({ Host: "127.0.0.1", "User-Agent": "Go-http-client/1.1", ...headers })
  const head = [`${line} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`), ...entity]
  return { bytes: Buffer.from(`${head.join("\r\n")}\r\n\r\n${text}`), expected }
}

/** The status of an answer that is there as a whole; every answer here says its length or has no body. */
const statusOf = (received: Buffer): number | undefined => {
  const end = received.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const head = received.toString("latin1", 0, end)
  const status = Number(head.slice(9, 12))
  const length = status === 204 ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
  if (Number.isNaN(length)) throw new Error(`an answer of unknown length: ${head}`)
  return received.length >= end + 4 + length ? status : undefined
}

const answered = (socket: Socket, { bytes, expected }: Call, begun: number): Promise<Sample> =>
  new Promise((resolve) => {
    let received: Buffer | undefined
    const finish = (error: string | null) => {
      const millis = performance.now() - begun
      socket.off("data", onData).off("error", onError).off("end", onEnd).off("timeout", onTimeout).setTimeout(0)
      resolve({ millis, error })
    }
    const onData = (chunk: Buffer) => {
      received = received === undefined ? chunk : Buffer.concat([received, chunk])
      const status = statusOf(received)
      if (status === undefined) return
      finish(
        status === expected
          ? null
          : `${status} instead of ${expected}: ${received.toString().split("\r\n\r\n")[1]?.slice(-300)}`
      )
    }
    const onError = (error: Error) => finish(error.message)
    const onEnd = () => finish("closed without an answer")
    const onTimeout = () => socket.destroy(new Error("no answer in time"))
    socket
      .on("data", onData)
      .on("error", onError)
      .on("end", onEnd)
      .on("timeout", onTimeout)
      .setTimeout(ANSWER_WITHIN_MS)
    socket.write(bytes)
  })

/** One call on a connection of its own, as MediaMTX asks. */
export const onNewConnection = async (port: number, one: Call): Promise<Sample> => {
  const begun = performance.now()
  const socket = connect({ port, host: "127.0.0.1", noDelay: true })
  const sample = await answered(socket, one, begun)
  socket.destroy()
  return sample
}

export interface Together {
  readonly samples: ReadonlyArray<Sample>
  /** From the first call, when all are connected, to the last answer. */
  readonly seconds: number
}

/** So many clients at once, each on a connection that it keeps, each asking its next call when the last one is answered. */
export const together = async (
  port: number,
  clients: number,
  callsEach: number,
  next: () => Call
): Promise<Together> => {
  const sockets = await Promise.all(
    Array.from(
      { length: clients },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect({ port, host: "127.0.0.1", noDelay: true })
          socket.once("error", reject).once("connect", () => resolve(socket.off("error", reject)))
        })
    )
  )
  const samples: Array<Sample> = []
  const client = async (socket: Socket) => {
    for (let count = 0; count < callsEach; count++) samples.push(await answered(socket, next(), performance.now()))
    socket.destroy()
  }
  const begun = performance.now()
  await Promise.all(sockets.map(client))
  return { samples, seconds: (performance.now() - begun) / 1_000 }
}
