/**
 * Sends webhooks over HTTP/1.1. It has a client of its own: neither a proxy of the environment nor Node's global client is used, and its connections
 * pass the guard (`guardedConnect`). Receivers do not slow each other: connections are kept by origin, each origin has its own.
 */
import type { LookupAddress } from "node:dns"
import { isIP } from "node:net"
import { type NoAnswerReason, type SendOutcome, type WebhookRequest, WebhookSender } from "@greenroom/core"
import { monotonicMillis, outgoing, traceparent } from "@greenroom/core/internal"
import { Clock, Effect, Layer } from "effect"
import * as Undici from "undici"
import { deliveryCall } from "./deliveryCall.ts"
import { guardedConnect } from "./guardedConnect.ts"
import { noAnswerOf } from "./noAnswer.ts"
import { isPublicAddress } from "./publicAddress.ts"
import { retryAfterMillis } from "./retryAfter.ts"
import { type Answer, sendRequest } from "./sendRequest.ts"
import { newSecret, signatureHeaders } from "./signature.ts"

const ANSWER_WITHIN_MS = 15_000
/** Shorter than the idle time of common servers (Node closes after 5 s): a request must not use a connection that is being closed. */
const KEEP_ALIVE_MS = 4_000
/** To one origin. As many sends as wait for one endpoint's answers, so that none of them waits for a connection. */
const CONNECTIONS = 64
const MAX_HEADER_BYTES = 16 * 1024

export interface SenderOptions {
  /** Also sends to addresses that are not of the public internet. */
  readonly allowPrivate: boolean
  /** Sends over https alone. */
  readonly requireTls: boolean
  /** For tests. */
  readonly within?: number
  readonly ca?: string
  readonly allows?: (address: string) => boolean
  readonly resolve?: (name: string) => Promise<ReadonlyArray<LookupAddress>>
}

const openAgent = ({ allowPrivate, allows = isPublicAddress, resolve, ca }: SenderOptions): Undici.Agent =>
  new Undici.Agent({
    allowH2: false,
    connections: CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect: guardedConnect({
      allows: allowPrivate ? () => true : allows,
      ...(resolve === undefined ? {} : { resolve }),
      ...(ca === undefined ? {} : { ca })
    })
  })

const noAnswer = (why: NoAnswerReason, detail: string, durationMillis: number): SendOutcome => ({
  _tag: "NoAnswer",
  why,
  detail,
  durationMillis
})

const ADDRESS_EXPECTED = "Expected a host of the public internet (WEBHOOKS_ALLOW_PRIVATE)"

/** Why a URL is not sent to at all, as far as its scheme and credentials show it. */
const whyRefused = (url: URL, requireTls: boolean): string | null => {
  if (url.protocol !== "https:" && url.protocol !== "http:") return "Expected a URL of http or https"
  if (requireTls && url.protocol !== "https:") return "Expected a URL of https (WEBHOOKS_REQUIRE_TLS)"
  return url.username === "" && url.password === "" ? null : "Expected a URL without a user name and a password"
}

/** The same of a URL as text, with its host, where that is a literal address. What a name leads to shows when it is sent to. */
export const refusedUrl =
  ({ allowPrivate, requireTls }: Pick<SenderOptions, "allowPrivate" | "requireTls">) =>
  (text: string): string | null => {
    const url = URL.parse(text)
    if (url === null) return "Expected a URL"
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
    const isPrivate = !allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)
    return whyRefused(url, requireTls) ?? (isPrivate ? ADDRESS_EXPECTED : null)
  }

const headersOf = (order: WebhookRequest, parent: string | undefined): Record<string, string> => ({
  "content-type": "application/json",
  "user-agent": "greenroom",
  ...signatureHeaders(order, order.secrets),
  ...(parent === undefined ? {} : { traceparent: parent })
})

const answered = ({ status, body, retryAfter }: Answer, now: number, durationMillis: number): SendOutcome => ({
  _tag: "Answered",
  status,
  retryAfterMillis: retryAfterMillis(retryAfter, now),
  body,
  durationMillis
})

/** One request: what the receiver did. */
const requestOver = (agent: Undici.Agent, url: URL, order: WebhookRequest, within: number) =>
  Effect.gen(function* () {
    const begun = yield* monotonicMillis
    const duration = Effect.map(monotonicMillis, (now) => Math.round(now - begun))
    return yield* Effect.withFiber<Answer, Error>((fiber) =>
      sendRequest(agent, { url, headers: headersOf(order, traceparent(fiber)), body: order.body })
    ).pipe(
      Effect.flatMap(
        Effect.fnUntraced(function* (answer: Answer) {
          return answered(answer, yield* Clock.currentTimeMillis, yield* duration)
        })
      ),
      Effect.timeoutOrElse({
        duration: within,
        orElse: () => Effect.map(duration, (took) => noAnswer("timeout", "No whole answer in time", took))
      }),
      Effect.catch((error) =>
        Effect.map(duration, (took) => {
          const { why, detail } = noAnswerOf(error)
          return noAnswer(why, detail, took)
        })
      )
    )
  })

const sendOver = (agent: Undici.Agent, { requireTls, within = ANSWER_WITHIN_MS }: SenderOptions) =>
  Effect.fnUntraced(function* (order: WebhookRequest) {
    const url = URL.canParse(order.url) ? new URL(order.url) : null
    if (url === null) return noAnswer("other", "The URL cannot be read", 0)
    const refused = whyRefused(url, requireTls)
    if (refused !== null) return noAnswer("blocked", refused, 0)
    return yield* outgoing(requestOver(agent, url, order, within), deliveryCall(url, order.id))
  })

export const layer = (options: SenderOptions): Layer.Layer<WebhookSender> =>
  Layer.effect(
    WebhookSender,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => openAgent(options)),
        (agent) => Effect.promise(() => agent.destroy())
      ),
      (agent) => WebhookSender.of({ send: sendOver(agent, options), newSecret: Effect.sync(newSecret) })
    )
  )
