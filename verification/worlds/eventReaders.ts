/** Readers of the event log over HTTP, through whichever instance answers: by long polls, and by server-sent events with resume. */
import { Effect } from "effect"

export interface ReadEvent {
  readonly id: string
  readonly position: number
  readonly type: string
}

export interface EventReader {
  /** In the order in which they came. */
  readonly read: ReadonlyArray<ReadEvent>
  readonly reconnects: () => number
}

interface Options {
  readonly bases: ReadonlyArray<string>
  readonly secret: string
}

const PAUSE_MS = 50
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS))

/** Ends with its scope. */
const reading = Effect.fnUntraced(function* (
  { bases }: Options,
  once: (base: string, signal: AbortSignal, add: (event: ReadEvent) => void) => Promise<void>
) {
  const read: Array<ReadEvent> = []
  const ended = new AbortController()
  let turns = 0
  const loop = async () => {
    while (!ended.signal.aborted) {
      const base = bases[turns % bases.length]!
      turns += 1
      await once(base, ended.signal, (event) => read.push(event)).catch(() => {})
      await pause()
    }
  }
  const running = loop()
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => {
      ended.abort()
      await running
    })
  )
  const reader: EventReader = { read, reconnects: () => turns }
  return reader
})

/** By `GET /events?wait=`, from the beginning. */
export const pullingReader = (options: Options) => {
  let after: string | null = null
  return reading(options, async (base, signal, add) => {
    const query = after === null ? "" : `&after=${after}`
    const response = await fetch(`${base}/events?wait=5&limit=100${query}`, {
      headers: { "x-api-key": options.secret },
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)])
    })
    if (response.status !== 200) return
    const page = (await response.json()) as { readonly events: ReadonlyArray<ReadEvent>; readonly next: string }
    page.events.forEach(add)
    after = page.next
  })
}

/** By `GET /events/stream`, from the beginning, resumed by `Last-Event-ID`. `first`: the cursor before the first event. */
export const streamingReader = (options: Options, first: string) => {
  let last = first
  return reading(options, async (base, signal, add) => {
    const response = await fetch(`${base}/events/stream`, {
      headers: { "x-api-key": options.secret, "last-event-id": last, accept: "text/event-stream" },
      signal
    })
    if (response.status !== 200 || response.body === null) return
    let text = ""
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part
      let end = text.indexOf("\n\n")
      for (; end >= 0; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n")
        text = text.slice(end + 2)
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
        const [id, data] = [field("id"), field("data")]
        if (field("event") === "reset") throw new Error("reset")
        if (id === undefined || data === undefined) continue
        last = id
        add(JSON.parse(data))
      }
    }
  })
}
