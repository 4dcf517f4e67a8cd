/**
 * An HTTP relay on the loopback that does harm: it stands between Greenroom and a control API, or between a media server and the
 * Greenrooms that it asks, and both deployments use it, so that a fault is the same fault on the real thing and on the simulator.
 */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { Duration, Effect } from "effect"

export type RelayFault = {
  /** Only requests whose URL or body contains this; all of them unless told. */
  readonly only?: string
} /** Is not passed on and never answered. */ & (
  | { readonly _tag: "Silent" }
  /** The same, and its connection never learns of it, not even when the fault is over: packets were lost. */
  | { readonly _tag: "Swallowed" }
  /** Is passed on late, also when nobody waits for it any more: a kick that lands after its time. */
  | { readonly _tag: "Slow"; readonly by: Duration.Input }
  /** Is passed on at once; its answer comes late. */
  | { readonly _tag: "AnsweredLate"; readonly by: Duration.Input }
  | { readonly _tag: "Status"; readonly status: number; readonly body?: string }
  /** Lists leave out half of their items, and count them all. */
  | { readonly _tag: "HalfList" }
  /** Lists leave out half of their items, and say that this is all. */
  | { readonly _tag: "ShortList" }
  /** 200, and no JSON. */
  | { readonly _tag: "Garbage" }
  /** Closes the connection instead of an answer. */
  | { readonly _tag: "HangUp" }
)

export interface HttpRelay {
  readonly port: number
  /** Where requests go from now on: to these ports of the loopback in turn. */
  readonly leadTo: (...ports: ReadonlyArray<number>) => Effect.Effect<void>
  readonly fault: (fault: RelayFault | null) => Effect.Effect<void>
  /** As soon as a request whose URL contains this has been answered, before its answer arrives, this is wrong. */
  readonly faultAfter: (urlPart: string, fault: RelayFault) => Effect.Effect<void>
  /** How many requests came in whose URL contains this. */
  readonly count: (urlPart: string) => number
}

interface Reply {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly body: Buffer
}

const wholeOf = async (stream: Http.IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const forward = (port: number, request: Http.IncomingMessage, body: Buffer): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const { method, url, headers } = request
    const passedOn = { ...headers, connection: "close" }
    const onward = Http.request(
      { host: "127.0.0.1", port, method, path: url, headers: passedOn, agent: false },
      (response) => {
        wholeOf(response).then(
          (whole) => resolve({ status: response.statusCode ?? 502, headers: response.headers, body: whole }),
          reject
        )
      }
    )
    onward.once("error", reject)
    onward.end(body)
  })

const halved = (reply: Reply, counted: "all" | "shown"): Reply => {
  if (reply.status !== 200 || !reply.body.includes('"itemCount"')) return reply
  const page = JSON.parse(reply.body.toString())
  const items = page.items.slice(0, Math.floor(page.items.length / 2))
  const itemCount = counted === "all" ? page.itemCount : items.length
  return { ...reply, body: Buffer.from(JSON.stringify({ ...page, itemCount, items })) }
}

const bent = (reply: Reply, fault: RelayFault | null): Reply => {
  if (fault?._tag === "HalfList") return halved(reply, "all")
  if (fault?._tag === "ShortList") return halved(reply, "shown")
  if (fault?._tag === "Garbage") return { ...reply, status: 200, body: Buffer.from("<html>welcome</html>") }
  return reply
}

const pause = (by: Duration.Input) =>
  new Promise<void>((resolve) => setTimeout(resolve, Duration.toMillis(Duration.fromInputUnsafe(by))))

/** Closed with its scope. */
export const httpRelay = Effect.gen(function* () {
  let ports: ReadonlyArray<number> = []
  let turn = 0
  let fault: RelayFault | null = null
  let next: { readonly urlPart: string; readonly fault: RelayFault } | undefined
  const urls: Array<string> = []
  const unanswered = new Set<Http.IncomingMessage>()

  const answer = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
    const url = request.url ?? ""
    urls.push(url)
    const body = await wholeOf(request)
    const trouble = fault !== null && (url.includes(fault.only ?? "") || body.includes(fault.only ?? "")) ? fault : null
    if (trouble?._tag === "Silent") return void unanswered.add(request)
    if (trouble?._tag === "Swallowed") return
    if (trouble?._tag === "HangUp") return void request.socket.destroy()
    if (trouble?._tag === "Status") return void response.writeHead(trouble.status).end(trouble.body ?? "")
    if (trouble?._tag === "Slow") await pause(trouble.by)
    const port = ports[turn++ % ports.length]
    if (port === undefined) return void request.socket.destroy()
    const reply = bent(await forward(port, request, body), trouble)
    if (next !== undefined && url.includes(next.urlPart)) {
      fault = next.fault
      next = undefined
    }
    if (trouble?._tag === "AnsweredLate") await pause(trouble.by)
    const {
      "content-length": _length,
      "transfer-encoding": _encoding,
      connection: _connection,
      ...headers
    } = reply.headers
    response.writeHead(reply.status, headers).end(reply.body)
  }

  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const created = Http.createServer((request, response) => {
        answer(request, response).catch(() => request.socket.destroy())
      })
      created.listen(0, "127.0.0.1", () => resume(Effect.succeed(created)))
    }),
    (created) =>
      Effect.callback<void>((resume) => {
        created.close(() => resume(Effect.void))
        created.closeAllConnections()
      })
  )
  const relay: HttpRelay = {
    port: (server.address() as AddressInfo).port,
    leadTo: (...to) =>
      Effect.sync(() => {
        ports = to
      }),
    fault: (wrong) =>
      Effect.sync(() => {
        fault = wrong
        next = undefined
        for (const { socket } of unanswered) socket.destroy()
        unanswered.clear()
      }),
    faultAfter: (urlPart, wrong) =>
      Effect.sync(() => {
        next = { urlPart, fault: wrong }
      }),
    count: (urlPart) => urls.filter((url) => url.includes(urlPart)).length
  }
  return relay
})

/** The fault is there until the scope closes, or the relay is told another. */
export const goesWrong = (relay: HttpRelay, fault: RelayFault) =>
  Effect.acquireRelease(relay.fault(fault), () => relay.fault(null))
