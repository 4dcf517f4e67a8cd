/** `GET /events/stream` over real connections: order without a gap, clients that are slow or dead, bounds, and its end. */

import { describe, it } from "@effect/vitest"
import { Events } from "@greenroom/core"
import { Effect, Schema } from "effect"
import { afterAll, afterEach, beforeAll, expect, vi } from "vitest"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { call, newBroadcaster, newKey } from "./support/client.ts"
import { type Followed, follow } from "./support/eventStream.ts"
import { type Service, type ServiceOptions, start } from "./support/service.ts"

let closing: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
  closing = []
})
/** With one event: that the media server is reachable. */
const started = async (options: ServiceOptions = {}): Promise<Service> => {
  const one = await start(options)
  await vi.waitUntil(async () => (await call(one, "GET", "/events?types=media_server.reachable")).json.count === 1)
  return one
}
const service = async (options: ServiceOptions = {}): Promise<Service> => {
  const one = await started(options)
  closing.push(one.close)
  return one
}
const following = async (one: Service, query = "", headers = {}): Promise<Followed> => {
  const stream = await follow(one, query, headers)
  closing.push(stream.stop)
  return stream
}
const positions = (stream: Followed) => stream.events().map(({ data }) => data.position)
const metric = async (one: Service, name: string) =>
  Number(new RegExp(`^${name}\\S* (\\d+)`, "m").exec((await call(one, "GET", "/metrics")).text)?.[1] ?? 0)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe("an event stream", () => {
  it("begins now, and has each event with its cursor as id, its type, and the JSON of GET /events", async () => {
    const one = await service()
    const stream = await following(one)
    expect([stream.status, stream.headers["content-type"], stream.headers["cache-control"]]).toEqual([
      200,
      "text/event-stream",
      "no-store"
    ])
    await expect.poll(stream.lastId).toMatch(/^[0-9a-f]{16}-1$/)
    await newBroadcaster(one)
    await expect.poll(() => stream.events().length).toBe(1)
    const [block] = stream.events()
    expect(block!.event).toBe("broadcaster.created")
    const { events, next } = (await call(one, "GET", `/events?after=${block!.id!.replace(/\d+$/, "1")}`)).json
    expect(block!.data).toEqual(events[0])
    expect(block!.id).toBe(next)
  })

  it("goes on after Last-Event-ID, which goes before `after`, and after a cursor with nothing before it", async () => {
    const one = await service()
    for (let count = 0; count < 5; count++) await newBroadcaster(one)
    await expect.poll(async () => (await call(one, "GET", "/events")).json.count).toBe(6)
    const [log] = (await call(one, "GET", "/events?after=now")).json.next.split("-")
    const all = await following(one, `?after=${log}-0`)
    await expect.poll(() => positions(all)).toEqual(range(1, 6))
    const some = await following(one, `?after=${log}-0`, { "last-event-id": `${log}-4` })
    await expect.poll(() => positions(some)).toEqual([5, 6])
    await newBroadcaster(one)
    await expect.poll(() => positions(all)).toEqual(range(1, 7))
    await expect.poll(() => positions(some)).toEqual([5, 6, 7])
  })

  it("catches up through pages of events that are as large as they can be", async () => {
    const one = await service()
    const body = { display_name: "Studio One", metadata: { text: "x".repeat(16_000) } }
    for (let count = 0; count < 150; count++) await call(one, "POST", "/broadcasters", { body })
    await expect.poll(async () => (await call(one, "GET", "/events?after=now")).json.next).toMatch(/-151$/)
    const [log] = (await call(one, "GET", "/events?after=now")).json.next.split("-")
    const all = await following(one, `?after=${log}-0`)
    await Promise.race([all.closed, expect.poll(() => positions(all).length).toBe(151)])
    expect(positions(all)).toEqual(range(1, 151))
  })

  it("has only what its filter lets through, but moves its id on", async () => {
    const one = await service()
    const stream = await following(one, "?types=key.created")
    await newKey(one)
    await expect.poll(() => stream.events().map(({ event }) => event)).toEqual(["key.created"])
  })

  it("begins after a reset where the cursor is lost, and says why", async () => {
    const one = await service()
    const [log] = (await call(one, "GET", "/events?after=now")).json.next.split("-")
    const lost = await following(one, "", { "last-event-id": `${log}-7` })
    await expect.poll(() => lost.events().length).toBe(1)
    expect(lost.events()[0]).toMatchObject({
      event: "reset",
      id: `${log}-1`,
      data: { reason: "future", oldest: `${log}-0`, cursor: `${log}-1` }
    })
    await newBroadcaster(one)
    await expect.poll(() => lost.events().map(({ event }) => event)).toEqual(["reset", "broadcaster.created"])
  })

  it("is reset when the log is renewed while it is open", async () => {
    const one = await service()
    const stream = await following(one)
    await newBroadcaster(one)
    await expect.poll(() => stream.events().length).toBe(1)
    const { log } = await one.run(Effect.flatMap(Events, (events) => events.renew))
    await newBroadcaster(one)
    await expect.poll(() => stream.events().map(({ event }) => event)).toContain("reset")
    await newBroadcaster(one)
    await expect.poll(() => stream.events().at(-1)?.id).toBe(`${log}-4`)
  })

  it("needs the API secret, and refuses what is wrong with pointers", async () => {
    const one = await service()
    assertProblem(await call(one, "GET", "/events/stream", { secret: null }), "unauthorized")
    const wrong = await call(one, "GET", "/events/stream?types=nothing&after=1", { headers: { "last-event-id": "x" } })
    assertProblem(wrong, "validation")
    expect(pointersOf(wrong).length).toBeGreaterThan(0)
    const head = await fetch(`${one.base}/events/stream`, {
      method: "HEAD",
      headers: { "x-api-key": "the-operator-secret" }
    })
    expect([head.status, await metric(one, "greenroom_event_streams")]).toEqual([200, 0])
  })

  it("ends first when the service ends, so that nothing waits for it", async () => {
    const one = await start({ finishWithin: 20_000 })
    const streams = [await follow(one), await follow(one, "?types=key.created")]
    const began = performance.now()
    await one.close()
    expect(await Promise.all(streams.map(({ closed }) => closed))).toEqual(["ended", "ended"])
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  it("is no more when its client has gone", async () => {
    const one = await service()
    const stream = await following(one)
    await expect.poll(() => metric(one, "greenroom_event_streams")).toBe(1)
    stream.stop()
    await expect.poll(() => metric(one, "greenroom_event_streams")).toBe(0)
  })
})

describe("event streams under writers", () => {
  const numbers = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
  let shared: Service
  beforeAll(async () => {
    shared = await started()
  })
  afterAll(() => shared.close())

  /** Reads from a cursor up to the newest position, over so many connections. */
  const readOver = async (log: string, first: number, newest: number, reconnects: number) => {
    const seen: Array<number> = []
    let cursor = `${log}-${first}`
    for (let left = reconnects; seen.at(-1) !== newest; left--) {
      const stream = await follow(shared, "", { "last-event-id": cursor })
      const enough = left > 0 ? Math.min(seen.length + 3, newest - first) : newest - first
      await expect.poll(() => seen.length + stream.events().length, { interval: 2 }).toBeGreaterThanOrEqual(enough)
      stream.stop()
      seen.push(...positions(stream))
      cursor = stream.lastId() ?? cursor
    }
    return seen
  }

  it.effect.prop(
    "have every event once and in order, wherever they begin, however often they connect again",
    {
      starts: Schema.Array(numbers(0, 40)).check(Schema.isBetweenLength(2, 6)),
      writers: numbers(1, 5),
      reconnects: numbers(0, 4)
    },
    ({ starts, writers, reconnects }) =>
      Effect.promise(async () => {
        const { next } = (await call(shared, "GET", "/events?after=now")).json
        const [log, text] = next.split("-")
        const before = Number(text)
        const each = 8 + reconnects
        const newest = before + writers * each
        const writing = range(1, writers).map(async () => {
          for (let count = 0; count < each; count++) await newBroadcaster(shared)
        })
        const reading = starts.map(async (back) => {
          const first = Math.max(0, before - back)
          expect(await readOver(log, first, newest, reconnects)).toEqual(range(first + 1, newest))
        })
        await Promise.all([...writing, ...reading])
      }),
    { arbitrary: { runs: 25 }, timeout: 60_000 }
  )
})

describe("bounds of event streams", () => {
  it("cut off a client that does not read, whatever waits for it, and leave the others alone", async () => {
    const one = await service()
    const dead = await following(one)
    const reading = await following(one)
    dead.pause()
    const { id } = await newBroadcaster(one)
    const metadata = { filler: "x".repeat(15_000) }
    let changes = 0
    while ((await metric(one, "greenroom_event_streams_dropped_total")) === 0 && changes < 3_000) {
      await Promise.all(range(1, 50).map(() => call(one, "PATCH", `/broadcasters/${id}`, { body: { metadata } })))
      changes += 50
    }
    expect(await metric(one, "greenroom_event_streams_dropped_total")).toBe(1)
    await expect.poll(() => metric(one, "greenroom_event_streams")).toBe(1)
    dead.resume()
    expect(await dead.closed).toBe("cut")
    // Goes on from its last id, without a gap.
    const again = await following(one, "", { "last-event-id": dead.lastId()! })
    await expect.poll(() => [...positions(dead), ...positions(again)].length, { timeout: 20_000 }).toBe(changes + 1)
    expect([...positions(dead), ...positions(again)]).toEqual(range(2, changes + 2))
    await expect.poll(() => positions(reading)).toEqual(range(2, changes + 2))
  }, 60_000)

  it("answer 503 to one more than there may be, and leave room for other connections of the same address", async () => {
    const one = await service({ limits: { total: 8, perAddress: 4 } })
    const streams = [await following(one), await following(one)]
    const refused = await call(one, "GET", "/events/stream")
    assertProblem(refused, "too-many-readers")
    expect((await call(one, "GET", "/streams")).status).toBe(200)
    streams[0]!.stop()
    await expect.poll(() => metric(one, "greenroom_event_streams")).toBe(1)
    expect((await following(one)).status).toBe(200)
  })
})
