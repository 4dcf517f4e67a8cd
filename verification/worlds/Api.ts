/**
 * The service as its operator calls it: plain HTTP and JSON, so that the wire itself is under test. Every answer is searched for
 * every key that has been issued or made up so far, except the answer that issues one.
 */
import { randomBytes } from "node:crypto"
import { Effect } from "effect"

export interface Answer<A> {
  /** 0: nobody answered. */
  readonly status: number
  readonly body: A
  readonly headers: Headers
  readonly millis: number
}

export interface Stream {
  readonly id: string
  readonly stream_key_id: string
  readonly path: string
  readonly status: "connecting" | "active" | "inactive"
  readonly title: string | null
  readonly protocol: string | null
  readonly source_type: string | null
  readonly source_id: string
  readonly end_reason: string | null
  readonly ending: { readonly reason: string } | null
  readonly inbound_bytes: number
  readonly tracks: ReadonlyArray<{ readonly codec: string }>
  readonly urls: { readonly [P in "hls" | "webrtc" | "rtmp" | "rtsp" | "srt"]: string | null }
  readonly state_as_of: string | null
}

export interface StreamKey {
  readonly id: string
  readonly key_prefix: string
  readonly status: "revoked" | "expired" | "disabled" | "in_use" | "active"
  readonly active_stream_id: string | null
}

export interface IssuedKey extends StreamKey {
  readonly key_value: string
  readonly ingest: {
    readonly rtmp: string
    readonly rtsp: string
    readonly srt: string
    readonly whip: { readonly url: string; readonly bearer: string }
  }
}

const TRIES = 20
const ASK_AGAIN_AFTER = "250 millis"

/** What a key looks like wherever it hides: whole, without its beginning, and in an HTTP Basic header. */
export const disguisesOf = (key: string): ReadonlyArray<string> => [
  key.slice(3),
  ...["greenroom", "any", ""].map((user) => Buffer.from(`${user}:${key}`).toString("base64"))
]

export const makeApi = (address: { readonly base: string; readonly secret: string }) => {
  const keys: Array<string> = []
  const needles: Array<string> = []
  const leaks: Array<string> = []

  const remember = (key: string) => {
    keys.push(key)
    needles.push(...disguisesOf(key))
  }

  /** Also when the store did not answer in time. */
  const once = <A>(method: string, path: string, body?: unknown): Effect.Effect<Answer<A>> =>
    Effect.promise(async () => {
      const began = performance.now()
      const headers = { "x-api-key": address.secret, "content-type": "application/json" }
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const init = { method, headers, signal: AbortSignal.timeout(20_000), ...sent }
      const response = await fetch(`${address.base}${path}`, init).catch(() => null)
      if (response === null)
        return { status: 0, body: null as A, headers: new Headers(), millis: performance.now() - began }
      const text = await response.text()
      const millis = performance.now() - began
      const issues = method === "POST" && /^\/stream-keys(\/[^/]+\/rotate)?$/.test(path) && response.status === 201
      const shown = `${JSON.stringify([...response.headers])}\n${text}`
      if (!issues && needles.some((needle) => shown.includes(needle))) leaks.push(`${method} ${path}: ${text}`)
      const parsed =
        text === "" ? null : response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text
      if (issues) remember(parsed.key_value)
      return { status: response.status, body: parsed as A, headers: response.headers, millis }
    })

  /** Asks again, as a 503 says: on a busy machine the store may miss its deadlines. The health check's is its answer. */
  const call = Effect.fnUntraced(function* <A>(method: string, path: string, body?: unknown) {
    let answer = yield* once<A>(method, path, body)
    for (let n = 1; n < TRIES && answer.status === 503 && path !== "/health"; n++) {
      yield* Effect.sleep(ASK_AGAIN_AFTER)
      answer = yield* once<A>(method, path, body)
    }
    return answer
  })

  return {
    call,
    once,
    streams: (query: string) =>
      Effect.map(call<{ readonly streams?: ReadonlyArray<Stream> }>("GET", `/streams?${query}`), (answer) =>
        answer.status === 200 ? (answer.body.streams ?? []) : []
      ),
    stream: (id: string) => Effect.map(call<Stream>("GET", `/streams/${id}`), ({ body }) => body),
    key: (id: string) => Effect.map(call<StreamKey>("GET", `/stream-keys/${id}`), ({ body }) => body),
    /** A key that nobody ever issued. */
    inventKey: () => {
      const key = `sk_${randomBytes(32).toString("base64url")}`
      remember(key)
      return key
    },
    /** Every key that was issued or made up. */
    keys: (): ReadonlyArray<string> => keys,
    /** The answers in which one of them stood. */
    leaks: (): ReadonlyArray<string> => leaks
  }
}

export type Api = ReturnType<typeof makeApi>
