/**
 * A receiver of webhooks that fails in every way, and no event twice: after a second failure an event is tried again only after five minutes. It
 * keeps what came, and what it answered with success.
 */
import { createHmac, timingSafeEqual } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"
import type { Rng } from "./Rng.ts"

export interface ReceivedEvent {
  readonly id: string
  readonly position: number
  readonly type: string
  readonly data: { readonly id: string }
}

type Failure = "500" | "reset" | "half an answer" | "slow, then reset" | "closed"
const failures: ReadonlyArray<Failure> = ["500", "reset", "half an answer", "slow, then reset", "closed"]
const FAILS = 0.1
/** Of all requests: it does not answer at all, so the whole endpoint is stopped, for some seconds. */
const HANGS = 0.002
/** From then on, all others succeed: 15 s until the hanging one is given up, 5 s until one is tried. If that failed, the next is 5 min later. */
const NO_FAILURE_AFTER_HANGING_MS = 30_000
const SLOW = 0.1

/** An event of one resource; an id names one among all kinds. */
const subjectOf = ({ type, data }: ReceivedEvent): string => `${type.split(".")[0]}:${data.id}`

const isSigned = (headers: IncomingMessage["headers"], body: string, secret: string): boolean => {
  const content = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`
  const expected = createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64"))
    .update(content)
    .digest()
  const given = String(headers["webhook-signature"])
    .split(" ")
    .map((one) => Buffer.from(one.slice(3), "base64"))
  return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected))
}

export const startReceiver = Effect.fnUntraced(function* (rng: Rng) {
  let secret = ""
  let isCalm = false
  const wrong: Array<string> = []
  /** By position, the first time it was answered with success. */
  const acknowledged = new Map<number, ReceivedEvent>()
  const idOf = new Map<number, string>()
  const failed = new Set<string>()
  let failsFrom = 0
  const lastOf = new Map<string, number>()
  let requests = 0

  const take = (headers: IncomingMessage["headers"], body: string): ReceivedEvent => {
    requests += 1
    if (!isSigned(headers, body, secret)) wrong.push(`a wrong signature: ${body.slice(0, 200)}`)
    const event: ReceivedEvent = JSON.parse(body)
    if (headers["webhook-id"] !== event.id) wrong.push(`webhook-id ${headers["webhook-id"]} of the event ${event.id}`)
    const known = idOf.get(event.position)
    if (known !== undefined && known !== event.id) wrong.push(`position ${event.position} is ${known} and ${event.id}`)
    idOf.set(event.position, event.id)
    // In order within its subject: what came before has been acknowledged.
    const before = lastOf.get(subjectOf(event)) ?? 0
    if (event.position > before && before > 0 && !acknowledged.has(before))
      wrong.push(`${event.type} at ${event.position} came before ${before} of ${subjectOf(event)} was acknowledged`)
    lastOf.set(subjectOf(event), Math.max(before, event.position))
    return event
  }

  const fail = (response: ServerResponse, how: Failure): void => {
    if (how === "500") response.writeHead(500).end("no")
    else if (how === "reset") response.socket?.resetAndDestroy()
    else if (how === "closed") response.socket?.destroy()
    else if (how === "half an answer") {
      response.writeHead(200, { "content-length": 100 }).write("half")
      setTimeout(() => response.socket?.destroy(), 20)
    } else setTimeout(() => response.socket?.resetAndDestroy(), 1_000)
  }

  const server = createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8")
    request.on("error", () => {})
    request.on("data", (part) => {
      body += part
    })
    request.on("end", () => {
      const event = take(request.headers, body)
      const draw = rng.next()
      if (!isCalm && !failed.has(event.id) && draw < FAILS && performance.now() >= failsFrom) {
        failed.add(event.id)
        if (draw >= HANGS) return fail(response, rng.pick(failures))
        failsFrom = performance.now() + NO_FAILURE_AFTER_HANGING_MS
        return
      }
      const answer = () => {
        acknowledged.set(event.position, acknowledged.get(event.position) ?? event)
        response.writeHead(204).end()
      }
      return rng.chance(SLOW) ? setTimeout(answer, rng.below(300)) : answer()
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    expect: (its: string) => {
      secret = its
    },
    /** From now on it answers with success. */
    calm: () => {
      isCalm = true
    },
    requests: () => requests,
    acknowledged: (): ReadonlySet<number> => new Set(acknowledged.keys()),
    wrong: (): ReadonlyArray<string> => wrong
  }
})
