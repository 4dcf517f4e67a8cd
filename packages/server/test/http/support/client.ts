/** Requests as a caller would send them, and what came back. */
import net from "node:net"
import { API_SECRET, type Service } from "./service.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; `undefined` when there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into
  readonly json: any
}

export interface Request {
  /** An object is sent as JSON, a string as it is. */
  readonly body?: unknown
  /** `null`: none at all. */
  readonly secret?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

export const call = async (
  service: Pick<Service, "base">,
  method: string,
  path: string,
  { body, secret = API_SECRET, headers = {} }: Request = {}
): Promise<Answer> => {
  const response = await fetch(`${service.base}${path}`, {
    method,
    redirect: "manual",
    headers: {
      ...(secret === null ? {} : { "x-api-key": secret }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
  })
  const text = await response.text()
  const isJson = text !== "" && /^application\/(\w+\+)?json/.test(response.headers.get("content-type") ?? "")
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
}

/** All that comes back on a connection that begins with `text`, until it closes. `more` goes on writing. */
export const raw = (port: number, text: string | Buffer, more?: (socket: net.Socket) => void): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1")
    let received = ""
    socket.setTimeout(60_000, () => socket.destroy(new Error(`the connection stayed open after: ${received}`)))
    socket.on("connect", () => {
      socket.write(text)
      more?.(socket)
    })
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1")
    })
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "ECONNRESET") reject(error)
    })
    socket.on("close", () => resolve(received))
  })

/** Status, headers (lower case) and body of a response as it stood on the wire. */
export const parseRaw = (text: string) => {
  const [head = "", ...rest] = text.split("\r\n\r\n")
  const [start = "", ...lines] = head.split("\r\n")
  const headers = new Map(
    lines.map((line) => {
      const at = line.indexOf(":")
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const
    })
  )
  return { status: Number(start.split(" ")[1]), headers, body: rest.join("\r\n\r\n") }
}

export const newBroadcaster = async (service: Service, display_name = "Studio One") =>
  (await call(service, "POST", "/broadcasters", { body: { display_name } })).json

/** Without a limit, unless one is given: most tests publish where they like. */
export const newKey = async (service: Service, more: Record<string, unknown> = {}) => {
  const { id } = await newBroadcaster(service)
  return (await call(service, "POST", "/stream-keys", { body: { broadcaster_id: id, path: null, ...more } })).json
}

export const publishCall = (key: string, more: Record<string, unknown> = {}) => ({
  ip: "127.0.0.1",
  user: "any",
  password: key,
  token: key,
  action: "publish",
  path: "live/one",
  protocol: "rtmp",
  id: crypto.randomUUID(),
  query: "",
  ...more
})
