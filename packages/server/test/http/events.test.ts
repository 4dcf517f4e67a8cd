/** `GET /events`: pages by cursor, waits, filters, and what is refused. */
import { Events, type LoggedEvent } from "@greenroom/core"
import { Effect } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { call, newBroadcaster, newKey } from "./support/client.ts"
import { authenticateThrough, onAir } from "./support/media.ts"
import { type Service, type ServiceOptions, start } from "./support/service.ts"

const opened: Array<Service> = []
const isReached = async (one: Service) =>
  (await call(one, "GET", "/events?types=media_server.reachable")).json.count === 1

/** Begun, with one event: that the media server is reachable. */
const service = async (options: ServiceOptions = {}): Promise<Service> => {
  const one = await start(options)
  opened.push(one)
  await authenticateThrough(one)
  await expect.poll(() => isReached(one)).toBe(true)
  return one
}
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into
const typesOf = (answer: { readonly json: any }) => answer.json.events.map(({ type }: LoggedEvent) => type)

/** All pages from the beginning, `limit` at a time. */
const readAll = async (one: Service, query: string, limit: number) => {
  const found: Array<Readonly<Record<string, unknown>>> = []
  let after = ""
  while (true) {
    const { json } = await call(one, "GET", `/events?limit=${limit}${after}${query}`)
    found.push(...json.events)
    expect(json.count).toBe(json.events.length)
    if (json.count === 0) return found
    after = `&after=${json.next}`
  }
}

describe("GET /events", () => {
  it("has each change once, in order, with the resource as its own call shows it", async () => {
    const one = await service()
    const key = await newKey(one, { label: "Camera" })
    const { stream } = await onAir(one, key.key_value, "live/one")
    await expect.poll(async () => (await readAll(one, "", 2)).length).toBe(5)
    const events = await readAll(one, "", 3)
    expect(events.map(({ type, position }) => [position, type])).toEqual([
      [1, "media_server.reachable"],
      [2, "broadcaster.created"],
      [3, "key.created"],
      [4, "stream.connecting"],
      [5, "stream.active"]
    ])
    expect(Object.keys(events[4]!)).toEqual(["id", "position", "type", "at", "stream_seq", "data"])
    expect(events.map(({ stream_seq }) => stream_seq)).toEqual([null, null, null, 1, 2])
    expect(events[1]!.data).toEqual((await call(one, "GET", `/broadcasters/${stream.broadcaster.id}`)).json)
    const shown = (await call(one, "GET", `/streams/${stream.id}`)).json
    const { tracks, viewer_count, inbound_bytes, state_as_of, duration_seconds, urls, ...settled } = shown
    expect(events[4]!.data).toMatchObject(settled)
    expect(Object.keys(events[4]!.data as object)).toEqual(Object.keys(shown))
    expect(events[2]!.data).toMatchObject({ id: key.id, label: "Camera", status: "active", active_stream_id: null })
    expect(JSON.stringify(events)).not.toContain(key.key_value)
  })

  it("limits by type, broadcaster, stream and path, and goes on beyond what it left out", async () => {
    const one = await service()
    const { id } = await newBroadcaster(one)
    const key = await newKey(one)
    const { stream } = await onAir(one, key.key_value, "live/one")
    await expect.poll(async () => (await readAll(one, "", 50)).length).toBe(6)
    const types = async (query: string) => typesOf(await call(one, "GET", `/events?${query}`))
    expect(await types("types=key.created,stream.active")).toEqual(["key.created", "stream.active"])
    expect(await types(`broadcaster_id=${id}`)).toEqual(["broadcaster.created"])
    expect(await types(`stream_id=${stream.id}`)).toEqual(["stream.connecting", "stream.active"])
    expect(await types("path=live/one&types=stream.active")).toEqual(["stream.active"])
    const nothing = (await call(one, "GET", "/events?types=key.revoked")).json
    expect(nothing).toEqual({ events: [], count: 0, next: (await call(one, "GET", "/events")).json.next })
  })

  it("waits for the first event, answers at once when there is one, and returns after the wait with none", async () => {
    const one = await service()
    const { next } = (await call(one, "GET", "/events?after=now")).json
    const waiting = call(one, "GET", `/events?after=${next}&wait=30`)
    const ofOther = call(one, "GET", "/events?after=now&wait=1&types=key.revoked")
    await newKey(one)
    // The key's event may have got its position in the same turn.
    expect(typesOf(await waiting)[0]).toBe("broadcaster.created")
    const after = async () => typesOf(await call(one, "GET", `/events?after=${next}&wait=30`))
    await expect.poll(after).toEqual(["broadcaster.created", "key.created"])
    const { json } = await ofOther
    expect(json.events).toEqual([])
    expect(json.next).toBe((await call(one, "GET", "/events?after=now")).json.next)
  })

  it("lets many wait while lists are answered, and lets them go when the service ends", async () => {
    const one = await service({ finishWithin: 20_000 })
    const waiting = Array.from({ length: 100 }, (_, index) =>
      call(one, "GET", `/events?after=now&wait=30${index % 2 === 0 ? "" : "&types=key.revoked"}`)
    )
    await expect
      .poll(async () => (await call(one, "GET", "/metrics")).text.match(/greenroom_event_polls\S* (\d+)/)?.[1])
      .toBe("100")
    expect((await call(one, "GET", "/streams")).status).toBe(200)
    const began = performance.now()
    await one.close()
    for (const answer of await Promise.all(waiting)) expect([answer.status, answer.json.events]).toEqual([200, []])
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  it("answers 410 with the oldest cursor for a cursor that is lost, and why", async () => {
    const one = await service()
    for (let count = 0; count < 3; count++) await newBroadcaster(one)
    await expect.poll(async () => (await readAll(one, "", 50)).length).toBe(4)
    const { next } = (await call(one, "GET", "/events?limit=1")).json
    const [log] = next.split("-")
    const lost = async (cursor: string) => {
      const answer = await call(one, "GET", `/events?after=${cursor}`)
      assertProblem(answer, "cursor-lost")
      return [answer.json.reason, answer.json.oldest]
    }
    expect(await lost(`${log}-5`)).toEqual(["future", `${log}-0`])
    expect(await lost(`${"0".repeat(16)}-1`)).toEqual(["other_log", `${log}-0`])
    await one.run(Effect.flatMap(Events, (events) => events.renew))
    const [reason, oldest] = await lost(next)
    expect(reason).toBe("other_log")
    expect(typesOf(await call(one, "GET", `/events?after=${oldest}`))).toHaveLength(4)
  })

  it.each([
    ["after=7", ["/after"]],
    ["after=ABCDEF0123456789-1", ["/after"]],
    ["after=0123456789abcdef-9999999999999999", ["/after"]],
    ["types=stream.active,stream.gone&limit=0", ["/types", "/limit"]],
    ["wait=31", ["/wait"]],
    ["wait=-1", ["/wait"]],
    ["wait=1.5", ["/wait"]],
    ["stream_id=x&broadcaster_id=y", ["/broadcaster_id", "/stream_id"]],
    ["types=stream.active&types=stream.ended", ["/types"]]
  ])("refuses %s with pointers", async (query, pointers) => {
    const one = await service()
    const answer = await call(one, "GET", `/events?${query}`)
    assertProblem(answer, "validation")
    expect([...pointersOf(answer)].toSorted()).toEqual(pointers.toSorted())
  })

  it("needs the API secret, and answers 503 while the store is down", async () => {
    const one = await service()
    assertProblem(await call(one, "GET", "/events", { secret: null }), "unauthorized")
    one.trouble("down")
    assertProblem(await call(one, "GET", "/events"), "store-unavailable")
  })

  it("answers 503 for the end of a log that was never read, while the store is down from the beginning", async () => {
    const one = await start({ trouble: "down" })
    try {
      assertProblem(await call(one, "GET", "/events?after=now&wait=20"), "store-unavailable")
      one.trouble("none")
      await expect.poll(async () => (await call(one, "GET", "/events?after=now")).status).toBe(200)
    } finally {
      await one.close()
    }
  })
})

describe("GET /streams?at=", () => {
  it("has those that were live then, ended since or not, and refuses what is no time", async () => {
    const one = await service()
    const { publisher, stream } = await onAir(one, (await newKey(one)).key_value, "live/one")
    const other = await onAir(one, (await newKey(one)).key_value, "live/two")
    await one.run(publisher.kill)
    const ended = async () => (await call(one, "GET", `/streams/${stream.id}`)).json.ended_at as string | null
    await expect.poll(ended).not.toBeNull()
    const ids = async (at: string) =>
      (await call(one, "GET", `/streams?at=${at}`)).json.streams.map(({ id }: { readonly id: string }) => id)
    const before = new Date(Date.parse(stream.started_at) - 1).toISOString()
    expect(await ids(before)).toEqual([])
    expect(await ids(other.stream.started_at)).toEqual([other.stream.id, stream.id])
    expect(await ids((await ended())!)).toEqual([other.stream.id])
    const filtered = await call(one, "GET", `/streams?at=${other.stream.started_at}&status=inactive`)
    expect(filtered.json).toMatchObject({ count: 1, next_cursor: null })
    const wrong = await call(one, "GET", "/streams?at=yesterday")
    assertProblem(wrong, "validation")
    expect(pointersOf(wrong)).toEqual(["/at"])
  })
})
