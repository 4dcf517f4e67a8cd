/** A client of an event stream over a real connection: its blocks, its last id, and a pause of its reading. */
import http from "node:http"
import { API_SECRET, type Service } from "./service.ts"

export interface Block {
  readonly id: string | undefined
  readonly event: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: events are looked into
  readonly data: any
}

const parse = (text: string): Block => {
  const fields = new Map<string, string>()
  for (const line of text.split("\n")) {
    const colon = line.indexOf(": ")
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2))
  }
  const data = fields.get("data")
  return { id: fields.get("id"), event: fields.get("event"), data: data === undefined ? undefined : JSON.parse(data) }
}

export const follow = (service: Pick<Service, "port">, query = "", headers: Readonly<Record<string, string>> = {}) =>
  new Promise<Followed>((resolve, reject) => {
    const request = http.get({
      host: "127.0.0.1",
      port: service.port,
      path: `/events/stream${query}`,
      agent: false,
      headers: { "x-api-key": API_SECRET, ...headers }
    })
    request.once("error", reject)
    request.once("response", (response) => {
      const blocks: Array<Block> = []
      let text = ""
      response.setEncoding("utf8").on("data", (more: string) => {
        const parts = (text + more).split("\n\n")
        text = parts.pop() ?? ""
        blocks.push(...parts.map(parse))
      })
      const closed = new Promise<"ended" | "cut">((done) => {
        response.once("end", () => done("ended"))
        response.once("error", () => done("cut"))
        request.on("error", () => done("cut"))
      })
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        blocks,
        events: () => blocks.filter(({ data }) => data !== undefined),
        lastId: () => blocks.findLast(({ id }) => id !== undefined)?.id,
        closed,
        pause: () => void response.pause(),
        resume: () => void response.resume(),
        stop: () => request.destroy()
      })
    })
  })

export interface Followed {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  /** Comments with an id among them. */
  readonly blocks: ReadonlyArray<Block>
  readonly events: () => ReadonlyArray<Block>
  readonly lastId: () => string | undefined
  readonly closed: Promise<"ended" | "cut">
  readonly pause: () => void
  readonly resume: () => void
  readonly stop: () => void
}
