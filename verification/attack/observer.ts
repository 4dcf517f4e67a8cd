/**
 * What MediaMTX and an operator see while somebody attacks, in a process of its own: one client asks `/auth`, as MediaMTX does, on a
 * new connection each time, one call after the other; another puts a stream on the air every few seconds, revokes its key, and waits
 * until its connection is closed. Sends what it saw as messages.
 */
import * as http from "node:http"
import { Effect, Exit, Scope } from "effect"
import { rtspClient } from "../worlds/rtspClient.ts"
import type { Target } from "./Attack.ts"
import { pause } from "./sockets.ts"

export interface Observed {
  readonly kind: "auth" | "revoke"
  /** When it began, by the wall clock: the two processes share that one. */
  readonly at: number
  /** `null`: it failed, or was not answered within its deadline. */
  readonly millis: number | null
  readonly detail: string
}

export interface ObserverOrder {
  readonly target: Target
  /** Where streams are published; `null` without a media server. */
  readonly rtspPort: number | null
}

const AUTH_EVERY_MS = 20
const REVOKE_EVERY_MS = 3_000
/** MediaMTX gives up an auth call after its `readTimeout`. */
const AUTH_WITHIN_MS = 4_000
const REVOKE_WITHIN_MS = 15_000

interface Answer {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

const call = (
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
  within = REVOKE_WITHIN_MS
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body)
    const request = http.request(
      {
        port,
        host: "127.0.0.1",
        path,
        method,
        agent: false,
        timeout: within,
        headers: {
          ...(text === "" ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
          ...headers
        }
      },
      (response) => {
        let received = ""
        response.setEncoding("utf8").on("data", (chunk) => {
          received += chunk
        })
        response.on("error", reject)
        response.on("end", () => {
          try {
            resolve({ status: response.statusCode ?? 0, json: received === "" ? {} : JSON.parse(received) })
          } catch (error) {
            reject(error)
          }
        })
      }
    )
    request.on("timeout", () => request.destroy(new Error(`no answer within ${within} ms`)))
    request.on("error", reject)
    request.end(text)
  })

const tell = (observed: Observed) => void process.send?.(observed)

const observe = async (kind: Observed["kind"], work: () => Promise<void>): Promise<void> => {
  const [at, began] = [Date.now(), performance.now()]
  try {
    await work()
    tell({ kind, at, millis: performance.now() - began, detail: "" })
  } catch (error) {
    tell({ kind, at, millis: null, detail: error instanceof Error ? error.message : String(error) })
  }
}

const expectStatus = ({ status }: Answer, ...expected: ReadonlyArray<number>) => {
  if (!expected.includes(status)) throw new Error(`answered ${status}`)
}

const observer = ({ target, rtspPort }: ObserverOrder) => {
  const operator = { "x-api-key": target.apiSecret }
  const mediaServer = {
    authorization: `Basic ${Buffer.from(`mediamtx:${target.hookSecret}`).toString("base64")}`
  }

  /** An operator tries again when a connection fails. */
  const asOperator = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const until = performance.now() + REVOKE_WITHIN_MS
    for (;;) {
      try {
        return await call(target.apiPort, method, path, operator, body)
      } catch (error) {
        if (performance.now() > until) throw error
        await pause(50)
      }
    }
  }

  const newKey = async () => {
    const broadcaster = await asOperator("POST", "/broadcasters", { display_name: "Observer" })
    const key = await asOperator("POST", "/stream-keys", { broadcaster_id: broadcaster.json.id })
    expectStatus(key, 201)
    const path = `live/${String(key.json.id).slice(0, 8)}`
    return { id: String(key.json.id), value: String(key.json.key_value), path }
  }

  const askAuth = async (): Promise<never> => {
    const key = await newKey()
    const body = {
      ip: "127.0.0.1",
      user: "any",
      password: key.value,
      action: "publish",
      path: key.path,
      protocol: "rtmp",
      id: crypto.randomUUID(),
      query: ""
    }
    for (;;) {
      // A session that no media server shows ends after a second; another id is another session.
      body.id = crypto.randomUUID()
      await observe("auth", async () => {
        const answer = await call(target.hookPort, "POST", "/auth", mediaServer, body, AUTH_WITHIN_MS)
        expectStatus(answer, 200, 401)
      })
      await pause(AUTH_EVERY_MS)
    }
  }

  /** On the air, where there is a media server; resolves with what waits for its end. */
  const publish = async (key: { readonly value: string; readonly path: string }): Promise<() => Promise<void>> => {
    if (rtspPort === null) return async () => {}
    const scope = await Effect.runPromise(Scope.make())
    const address = `rtsp://any:${key.value}@127.0.0.1:${rtspPort}/${key.path}`
    const client = await Effect.runPromise(Scope.provide(rtspClient(address), scope))
    const isAnnounced = await Effect.runPromise(client.announce)
    const status = isAnnounced ? await Effect.runPromise(client.record) : 0
    if (status !== 200) throw new Error(`not on the air: ${status}`)
    return async () => {
      await Promise.race([
        Effect.runPromise(client.ended),
        pause(REVOKE_WITHIN_MS).then(() => Promise.reject(new Error("still on the air")))
      ])
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }

  const revoke = async (): Promise<never> => {
    for (;;) {
      try {
        const key = await newKey()
        const ended = await publish(key)
        await observe("revoke", async () => {
          const answer = asOperator("DELETE", `/stream-keys/${key.id}`)
          await ended()
          expectStatus(await answer, 202, 204)
        })
      } catch (error) {
        tell({
          kind: "revoke",
          at: Date.now(),
          millis: null,
          detail: error instanceof Error ? error.message : String(error)
        })
      }
      await pause(REVOKE_EVERY_MS)
    }
  }

  return Promise.all([askAuth(), revoke()])
}

process.once("message", (order: ObserverOrder) => void observer(order))
process.on("disconnect", () => process.exit(0))
