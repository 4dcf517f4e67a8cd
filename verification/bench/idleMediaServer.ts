/**
 * A media server with many publishers that only stay: the simulator's answers, written once and sent again, so that ten thousand
 * publishers cost it little. It asks about every call of its control API at the auth address, on a new connection, as MediaMTX does.
 * Until it is given its publishers every call fails, so that no pass ends the sessions that stand in the database before that.
 */
import { createServer, type IncomingMessage, request } from "node:http"
import type { AddressInfo } from "node:net"
import type { Protocol } from "@greenroom/core"
import { defaultVersion, factsOf, SimulatorApi, World } from "@greenroom/mediamtx-simulator"

export interface IdlePublisher {
  readonly id: string
  readonly protocol: Protocol
  readonly path: string
}

/** What it serves, and where it asks. */
export interface IdlePublishers {
  readonly authHttpAddress: string
  readonly publishers: ReadonlyArray<IdlePublisher>
  /** Whether the byte counters grow between two answers, as those of publishers that send. */
  readonly counting: boolean
  /** So many sessions that read these paths, over all protocols in turn. */
  readonly viewers: number
}

const facts = factsOf(defaultVersion)
const server: SimulatorApi.ApiServer = {
  facts,
  isOn: (protocol) => protocol !== "rtmps" && protocol !== "rtsps" && protocol !== "moq",
  configured: { readTimeout: "4s", rtspTransports: ["tcp"], authHTTPExclude: [] },
  items: "whole"
}

const since = Date.now()
const tracks: World.Connection["tracks"] = [
  { codec: "H264", width: 1920, height: 1080, profile: "High", level: "4.1" },
  { codec: "MPEG-4 Audio", sampleRate: 48_000, channelCount: 2 }
]

const connectionOf = ({ id, protocol, path }: IdlePublisher, index: number): World.Connection => ({
  id,
  authId: id,
  connectionId: id,
  ip: "127.0.0.1",
  isCdn: false,
  port: 1_024 + index,
  protocol,
  action: "publish",
  path,
  query: "",
  user: "",
  created: since,
  readyAfter: 0,
  tracks,
  phase: { _tag: "Publishing", since },
  silentSince: null
})

const viewerProtocols = ["hls", "webrtc", "rtsp", "rtmp", "srt"] as const

/** About 430 characters of query, as a playback token has. */
const viewerOf = (index: number, publishers: ReadonlyArray<IdlePublisher>): World.Connection => {
  const { path } = publishers[index % publishers.length]!
  const id = `00000000-0000-4000-9000-${index.toString(16).padStart(12, "0")}`
  const protocol = viewerProtocols[index % viewerProtocols.length]!
  const publisher = connectionOf({ id, protocol: "rtmp", path }, index)
  const query = `token=${"x".repeat(430)}`
  return { ...publisher, protocol, action: "read", query, phase: { _tag: "Reading", since } }
}

const worldOf = ({ publishers, viewers }: Pick<IdlePublishers, "publishers" | "viewers">): World.World => {
  const reading = Array.from({ length: viewers }, (_, index) => viewerOf(index, publishers))
  const connections = [...publishers.map(connectionOf), ...reading]
  return { ...World.begin(since, World.defaultOptions), connections: new Map(connections.map((one) => [one.id, one])) }
}

interface Reply {
  readonly status: number
  readonly text: string
}

const answersOf = ({ publishers, counting, viewers }: IdlePublishers) => {
  const world = worldOf({ publishers, viewers })
  const written = new Map<string, Reply>()
  const write = (method: string, url: URL): Reply => {
    const call = { method, path: url.pathname, query: url.searchParams, body: "" }
    const route = SimulatorApi.routeOf(method, url.pathname, server)
    const { reply } = SimulatorApi.replyTo(server, route, call, world, Date.now())
    return { status: reply.status, text: typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body) }
  }
  const counted = ({ status, text }: Reply): Reply => {
    const bytes = Math.round((Date.now() - since) * 250)
    return { status, text: text.replaceAll(/"(inboundBytes|bytesReceived|outboundBytes)":\d+/g, `"$1":${bytes}`) }
  }
  return (method: string, url: URL): Reply => {
    const known = written.get(url.href) ?? write(method, url)
    written.set(url.href, known)
    return counting ? counted(known) : known
  }
}

/** Whether the auth address admits the call. */
const admits = (address: URL, call: IncomingMessage): Promise<boolean> => {
  const pair = Buffer.from(call.headers.authorization?.split(" ")[1] ?? "", "base64").toString()
  const [user = "", password = ""] = pair.split(":")
  const question = { ip: "127.0.0.1", user, password, token: password, action: "api", path: "", protocol: "", id: null }
  const body = JSON.stringify({ ...question, query: "", userAgent: "" })
  return new Promise((resolve) => {
    const auth = `${address.username}:${address.password}`
    const { hostname, port, pathname } = address
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) }
    const asked = request({ hostname, port, path: pathname, method: "POST", auth, headers, agent: false })
    asked.once("error", () => resolve(false))
    asked.once("response", (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.end(body)
  })
}

let answer: ((method: string, url: URL) => Reply) | null = null
let authAddress: URL | null = null
let calls = 0

const http = createServer(async (call, response) => {
  if (answer === null || authAddress === null) return void response.writeHead(500).end()
  calls++
  if (!(await admits(authAddress, call))) return void response.writeHead(401).end()
  const { status, text } = answer(call.method ?? "", new URL(call.url ?? "/", "http://media-server"))
  const headers = { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(text) }
  response.writeHead(status, headers).end(text)
})

http.listen(0, "127.0.0.1", () => {
  process.send?.(`http://127.0.0.1:${(http.address() as AddressInfo).port}`)
  process.on("message", (message: IdlePublishers | "calls") => {
    if (message === "calls") return void process.send?.(calls)
    authAddress = new URL(message.authHttpAddress)
    answer = answersOf(message)
    process.send?.("serving")
  })
})
