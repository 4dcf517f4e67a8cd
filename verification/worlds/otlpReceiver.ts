/** A collector for OTLP over HTTP with JSON that keeps what it gets: the spans, with attributes that a test can read. */
import * as http from "node:http"
import type { AddressInfo } from "node:net"

export interface ReceivedSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
  /** 0 unset, 2 error. */
  readonly status: number
}

export const spanKinds = { internal: 1, server: 2, client: 3 } as const

interface Keyed {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

const valueOf = (value: Keyed["value"]): unknown => {
  const [kind, inner] = Object.entries(value)[0] ?? []
  return kind === "intValue" ? Number(inner) : inner
}

const attributesOf = (attributes: ReadonlyArray<Keyed>) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]))

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into
const spansIn = (body: any): ReadonlyArray<ReceivedSpan> =>
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into
  body.resourceSpans.flatMap(({ scopeSpans }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into
    scopeSpans.flatMap(({ spans }: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: answers are looked into
      spans.map((span: any) => ({
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId === "" ? undefined : span.parentSpanId,
        attributes: attributesOf(span.attributes),
        status: span.status?.code ?? 0
      }))
    )
  )

export const startOtlpReceiver = async () => {
  const spans: Array<ReceivedSpan> = []
  const bodies: Array<string> = []
  const server = http.createServer(async (request, response) => {
    const chunks: Array<Buffer> = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    bodies.push(text)
    if (request.url === "/v1/traces") spans.push(...spansIn(JSON.parse(text)))
    response.writeHead(200, { "content-type": "application/json" }).end("{}")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    /** All that came, as it came. */
    bodies,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
