/**
 * Those who follow the event log while everything around it breaks: a receiver of webhooks that fails, a reader that polls, and one of
 * server-sent events. In the end none of them may have missed an event.
 */
import { Effect } from "effect"
import type { DatabaseControls } from "./database.ts"
import { pullingReader, streamingReader } from "./eventReaders.ts"
import type { Rng } from "./Rng.ts"
import { API_SECRET, type RunningService } from "./runService.ts"
import { startReceiver } from "./webhookReceiver.ts"

/** What an instance needs so that webhooks reach a receiver on the loopback. */
export const webhookEnvironment = {
  ENCRYPTION_KEY: "the-encryption-key-of-the-witnesses-of-events",
  WEBHOOKS_ALLOW_PRIVATE: "true"
}

/** Since the last fault: an event that has failed is tried again after 5 s, the lease of an instance that was killed ends after 30. */
const CAUGHT_UP_WITHIN_MS = 90_000

interface Logged {
  readonly position: number
  readonly id: string
}

/** Begin before anything breaks; they end with the scope. */
export const eventWitnesses = Effect.fnUntraced(function* (
  instances: ReadonlyArray<RunningService>,
  { query }: Pick<DatabaseControls, "query">,
  rng: Rng
) {
  const receiver = yield* startReceiver(rng)
  const { api } = instances[0]!
  const created = yield* api.call<{ readonly secret: string }>("POST", "/webhook-endpoints", { url: receiver.url })
  if (created.status !== 201) return yield* Effect.die(new Error(`no endpoint: ${JSON.stringify(created.body)}`))
  receiver.expect(created.body.secret)
  const { body } = yield* api.call<{ readonly next: string }>("GET", "/events?limit=1&types=webhook_endpoint.disabled")
  const bases = instances.map(({ port }) => `http://127.0.0.1:${port}`)
  const readers = {
    "the reader that polls": yield* pullingReader({ bases, secret: API_SECRET }),
    "the reader of server-sent events": yield* streamingReader(
      { bases: bases.toReversed(), secret: API_SECRET },
      body.next
    )
  }
  const [head] = yield* query("select position from event_head")
  const from = Number(head!.position)

  const logged = Effect.map(
    query(`select position, id from event_log where position > ${from} order by position`),
    (rows) => rows.map(({ position, id }): Logged => ({ position: Number(position), id: String(id) }))
  )
  const unplaced = query(
    `select (select count(*) from event_log where position is null)
       + (select count(*) from stream_events where position is null and log_id is not null) as left`
  )

  /** The log as it is now, and what each of them lacks of it, a sentence each. */
  const look = Effect.gen(function* () {
    const [rows] = yield* unplaced
    const events = yield* logged
    const last = events.at(-1)?.position ?? 0
    const lacks = events.filter(({ position }) => !receiver.acknowledged().has(position))
    const left = [
      ...(Number(rows!.left) > 0 ? [`${rows!.left} events have no position`] : []),
      ...(lacks.length > 0 ? [`the receiver lacks ${lacks.length} events, the first at ${lacks[0]!.position}`] : []),
      ...Object.entries(readers)
        .filter(([, { read }]) => (read.at(-1)?.position ?? 0) < last)
        .map(([name]) => `${name} is behind`)
    ]
    return { events, last, left }
  })

  const verdict = Effect.gen(function* () {
    receiver.calm()
    const until = performance.now() + CAUGHT_UP_WITHIN_MS
    // Events may go on to come: what was logged at one moment is compared.
    let { events, last, left } = yield* look
    while (left.length > 0 && performance.now() < until) {
      yield* Effect.sleep(250)
      ;({ events, last, left } = yield* look)
    }
    const wanted = events.map(({ position, id }) => `${position} ${id}`).join()
    const wrong = Object.entries(readers).filter(([, { read }]) => {
      const own = read.filter(({ position }) => position > from && position <= last)
      return own.map(({ position, id }) => `${position} ${id}`).join() !== wanted
    })
    return {
      events: events.length,
      requests: receiver.requests(),
      complaints: [
        ...left,
        ...receiver.wrong(),
        ...(left.length > 0 ? [] : wrong.map(([name]) => `${name} has not read every event once and in order`))
      ]
    }
  })
  return { verdict, requests: receiver.requests }
})
