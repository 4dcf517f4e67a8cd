/** The events of `gr.on` and `gr.events` where stores and consumers are awkward. */
import { Repositories, Sessions, type StorePorts } from "@greenroom/core"
import { aSession } from "@greenroom/testing/fixtures"
import { Context, Effect, ManagedRuntime } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { application, type Services } from "../src/application.ts"
import { eventsFrom, type Finder, finderOf, inOrder, type Listener } from "../src/events.ts"
import type { Run } from "../src/run.ts"
import type { StreamEvent } from "../src/shapes.ts"

let closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
  closing = []
})

/** A memory store, as `replace` lets the finder see it. */
const storeSeen = async (replace: (streams: StorePorts["streams"]) => Partial<StorePorts["streams"]>) => {
  const mediaMtx = { apiUrl: "http://127.0.0.1:9", secret: "a secret of some length" }
  const runtime = ManagedRuntime.make(application({ database: "memory", mediaMtx, reconcile: false }))
  closing.push(() => runtime.dispose())
  const services = await runtime.context()
  const ports = Context.get(services, Repositories)
  const seen = { ...ports, streams: { ...ports.streams, ...replace(ports.streams) } }
  const runIn =
    (context: Context.Context<Services>): Run =>
    (program) =>
      Effect.runPromise(Effect.provide(program, context))
  return { run: runIn(services), runSeen: runIn(Context.add(services, Repositories, seen)) }
}

describe("the finder", () => {
  it("finds a stream whose admission was committed late, and which has ended since", async () => {
    const uncommitted = new Set<string>()
    const { run, runSeen } = await storeSeen(({ list, listSince }) => ({
      list: (filter, page) =>
        Effect.map(list(filter, page), (found) => ({
          ...found,
          items: found.items.filter(({ id }) => !uncommitted.has(id))
        })),
      listSince: (filter, page, since) =>
        Effect.map(listSince(filter, page, since), (found) => ({
          ...found,
          items: found.items.filter(({ id }) => !uncommitted.has(id))
        }))
    }))
    const found: Array<readonly [string, string]> = []
    const finder = finderOf(runSeen, () => {})
    closing.push(() => finder.stop())
    finder.add(({ streamId, type }) => found.push([streamId, type]))
    const streamId = "0192e4a7-3f5e-7c1c-9d2a-5f0a3a1c7b11" as never
    uncommitted.add(streamId)
    // A later stream that is found shows that the finder has looked beyond the start of the first.
    await expect
      .poll(async () => {
        await run(aSession())
        return found.length
      })
      .toBeGreaterThan(0)
    const late = await run(aSession({ streamId }))
    const before = found.length
    await expect
      .poll(async () => {
        await run(aSession())
        return found.length
      })
      .toBeGreaterThan(before + 1)
    await run(Effect.flatMap(Sessions, (sessions) => sessions.end([late.id], "left", null)))
    uncommitted.delete(streamId)
    const ofLate = () => found.filter(([id]) => id === streamId).map(([, type]) => type)
    await expect.poll(ofLate).toEqual(["admitted", "ended"])
    await run(aSession())
    const after = found.length
    await expect.poll(() => found.length).toBeGreaterThan(after)
    expect(ofLate()).toEqual(["admitted", "ended"])
  })

  it("reads no events of streams that have not changed", async () => {
    const read: Array<string> = []
    const { run, runSeen } = await storeSeen(({ events, listSince }) => ({
      events: (id, after, limit) => {
        read.push(id)
        return events(id, after, limit)
      },
      // As PostgreSQL does; the memory store gives every stream with its content.
      listSince: (filter, page, since) =>
        Effect.map(listSince(filter, page, since), (found) => ({
          ...found,
          items: found.items.map((item) => (since !== null && item.id === old.id ? { ...item, stream: null } : item))
        }))
    }))
    const old = await run(aSession())
    const found: Array<string> = []
    const finder = finderOf(runSeen, () => {})
    closing.push(() => finder.stop())
    finder.add(({ streamId }) => found.push(streamId))
    await expect.poll(() => read).toEqual([old.id])
    await expect
      .poll(async () => {
        await run(aSession())
        return found.length
      })
      .toBeGreaterThan(0)
    expect(read.filter((id) => id === old.id)).toHaveLength(1)
  })
})

describe("events", () => {
  const event = (streamId: string, seq: number, at: number) => ({ streamId, seq, at: new Date(at) }) as StreamEvent

  it("of one stream come in their order, also when a clock went back", () => {
    const ordered = inOrder([[event("a", 1, 20), event("a", 2, 10)], [event("b", 1, 15)]])
    expect(ordered.map(({ streamId, seq }) => `${streamId}${seq}`)).toEqual(["b1", "a1", "a2"])
  })

  it("are no longer listened for once the signal has fired, although the consumer asks for no further one", async () => {
    const listeners = new Set<Listener>()
    const finder: Pick<Finder, "add"> = {
      add: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      }
    }
    const controller = new AbortController()
    const events = eventsFrom(finder as Finder, controller.signal, new AbortController().signal)
    const next = events.next()
    for (const listener of listeners) listener(event("a", 1, 1))
    expect((await next).value).toMatchObject({ streamId: "a" })
    expect(listeners.size).toBe(1)
    controller.abort()
    expect(listeners.size).toBe(0)
  })
})
