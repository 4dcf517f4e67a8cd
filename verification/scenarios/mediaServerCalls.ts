/** What a media server says to Greenroom, said by the test itself: questions and hooks, true and forged. */
import { randomUUID } from "node:crypto"
import { Effect, Schedule } from "effect"
import { HOOK_SECRET, type RunningService } from "../worlds/runService.ts"

export interface Said {
  /** 0: nobody answered. */
  readonly status: number
  readonly code: string | null
  readonly retryAfter: string | null
  readonly millis: number
}

const post = (service: RunningService, route: string, body: unknown, secret: string) =>
  Effect.promise(async (): Promise<Said> => {
    const began = performance.now()
    const authorization = `Basic ${Buffer.from(`mediamtx:${secret}`).toString("base64")}`
    const response = await fetch(`http://127.0.0.1:${service.port}${route}`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000)
    }).catch(() => null)
    const text = (await response?.text().catch(() => "")) ?? ""
    const isJson = response?.headers.get("content-type")?.includes("json") ?? false
    return {
      status: response?.status ?? 0,
      code: isJson ? (JSON.parse(text).code ?? null) : null,
      retryAfter: response?.headers.get("retry-after") ?? null,
      millis: performance.now() - began
    }
  })

/** May this connection publish? It is one that no media server has, unless its id is given. */
export const askToPublish = (
  service: RunningService,
  question: { readonly key: string; readonly path: string; readonly id?: string; readonly protocol?: string }
): Effect.Effect<Said> => {
  const { key, path, id = randomUUID(), protocol = "rtmp" } = question
  const body = {
    ip: "127.0.0.1",
    user: "any",
    password: key,
    token: key,
    action: "publish",
    path,
    protocol,
    id,
    query: ""
  }
  return post(service, "/auth", body, HOOK_SECRET)
}

const TRIES = 20

/** The same, until there is a decision: on a busy machine the store may not answer in time. */
export const decisionOn = (
  service: RunningService,
  question: Parameters<typeof askToPublish>[1]
): Effect.Effect<Said> =>
  Effect.repeat(askToPublish(service, question), {
    until: ({ status }) => status !== 503,
    schedule: Schedule.spaced("200 millis"),
    times: TRIES
  })

export interface Hook {
  readonly event: "ready" | "not-ready"
  readonly path: string
  readonly sourceType: string
  readonly sourceId: string
}

export const sendHook = (service: RunningService, hook: Hook, secret = HOOK_SECRET): Effect.Effect<Said> => {
  const body = { path: hook.path, source_type: hook.sourceType, source_id: hook.sourceId, query: "" }
  return post(service, `/webhook/${hook.event}`, body, secret)
}
