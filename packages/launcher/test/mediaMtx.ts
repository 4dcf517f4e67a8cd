/** A media server under test: free ports, a stand-in for our `/auth`, and what was logged meanwhile. */
import { execFileSync } from "node:child_process"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, Layer, Logger, Redacted, References } from "effect"
import { freePorts } from "../../../verification/worlds/processes.ts"
import type { Ports } from "../src/mediaMtxConfig.ts"

export const secret = "hook secret/with ?odd&characters"

/** The real one, or `undefined` where there is none. */
export const realBinary = (() => {
  try {
    return (
      process.env.MEDIAMTX_BIN ?? execFileSync("/bin/sh", ["-c", "command -v mediamtx"], { encoding: "utf8" }).trim()
    )
  } catch {
    return undefined
  }
})()

export const somePorts: Effect.Effect<Ports> = Effect.promise(async () => {
  const [api, rtmp, rtsp, srt, hls, webrtc, webrtcUdp] = await freePorts(7)
  return { api: api!, rtmp: rtmp!, rtsp: rtsp!, srt: srt!, hls: hls!, webrtc: webrtc!, webrtcUdp: webrtcUdp! }
})

export interface AuthCall {
  readonly authorization: string | undefined
  readonly action: string
  readonly user: string
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`
export const hookAuthorization = basic("mediamtx", secret)
export const apiAuthorization = basic("greenroom", "api secret")

/** Lets in who has the control API's credentials, and nobody without the hook secret. */
export const authServer = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly calls: Array<AuthCall>; readonly server: http.Server }>(
    (resume) => {
      const calls: Array<AuthCall> = []
      const server = http.createServer(async (request, response) => {
        let body = ""
        for await (const chunk of request) body += chunk
        const { action, user, password } = JSON.parse(body)
        const { authorization } = request.headers
        calls.push({ authorization, action, user })
        const ok = authorization === hookAuthorization && user === "greenroom" && password === "api secret"
        response.writeHead(ok ? 200 : 401).end()
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({ port: (server.address() as AddressInfo).port, calls, server }))
      )
    }
  ),
  ({ server }) =>
    Effect.promise(() => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    })
)

export const authAt = (port: number) => ({ port, secret: Redacted.make(secret) })

export interface Logged {
  readonly level: string
  readonly message: string
}

/** Collects everything that is logged, from debug on, instead of printing it. */
export const collected = () => {
  const lines: Array<Logged> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    lines.push({ level: logLevel, message: Array.isArray(message) ? message.join(" ") : String(message) })
  })
  const layer = Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Debug"))
  return { lines, layer, has: (text: string) => lines.some(({ message }) => message.includes(text)) }
}
