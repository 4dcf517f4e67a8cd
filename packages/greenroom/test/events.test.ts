/** `gr.on` and `gr.events`: in order, from a cursor, while handlers are slow or fail, and when events are lost. */
import { afterEach, describe, expect, it } from "vitest"
import { createGreenroom, type Greenroom, GreenroomError, type GreenroomOptions } from "../src/index.ts"

let closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
  closing = []
})

const opened = async (options: Partial<GreenroomOptions> = {}): Promise<Greenroom> => {
  const mediaMtx = { apiUrl: "http://127.0.0.1:9", secret: "a secret of some length" }
  const gr = await createGreenroom({ database: "memory", mediaMtx, reconcile: false, logger: () => {}, ...options })
  closing.push(() => gr.close())
  return gr
}
const upsert = (gr: Greenroom, displayName = "Ada") =>
  gr.broadcasters.upsert({ externalId: crypto.randomUUID(), displayName })

/** The next `many` events. */
const take = async (gr: Greenroom, many: number, options: Parameters<Greenroom["events"]>[0]) => {
  const found: Array<{ readonly type: string; readonly position: number; readonly cursor: string }> = []
  for await (const event of gr.events(options)) {
    found.push(event)
    if (found.length === many) break
  }
  return found
}

describe("gr.events", () => {
  it("goes on after the cursor of the last event, without a gap and without a repetition", async () => {
    const gr = await opened()
    for (let each = 0; each < 7; each++) await upsert(gr)
    const first = await take(gr, 3, { from: "beginning" })
    const rest = await take(gr, 4, { from: first.at(-1)!.cursor })
    expect([...first, ...rest].map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it("begins now unless a cursor is given, and has the types that are asked for", async () => {
    const gr = await opened()
    const { id } = await upsert(gr)
    await take(gr, 1, { from: "beginning" })
    const events = gr.events({ types: ["key.created", "broadcaster.changed"] })
    const next = events.next()
    await upsert(gr)
    await gr.keys.create({ broadcaster: { id } })
    expect((await next).value).toMatchObject({ type: "key.created", key: { broadcasterId: id, status: "active" } })
    await events.return()
  })

  it("ends when its signal fires, whether or not the next event is asked for", async () => {
    const gr = await opened()
    const controller = new AbortController()
    const waiting = gr.events({ signal: controller.signal })
    const next = waiting.next()
    await upsert(gr)
    expect((await next).value).toMatchObject({ type: "broadcaster.created" })
    const another = waiting.next()
    controller.abort()
    expect(await another).toEqual({ value: undefined, done: true })
    expect(await waiting.next()).toEqual({ value: undefined, done: true })
  })

  it("fails with cursor_lost and the oldest cursor for a cursor of another log or of the future", async () => {
    const gr = await opened()
    await upsert(gr)
    const [event] = await take(gr, 1, { from: "beginning" })
    const log = event!.cursor.replace(/-.*/, "")
    for (const from of [`${log}-9`, `${"0".repeat(16)}-1`]) {
      const error = await take(gr, 1, { from }).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(GreenroomError)
      expect(error).toMatchObject({ code: "cursor_lost", oldest: `${log}-0` })
    }
  })

  it("refuses what is no cursor, no type and no id, and names the argument", async () => {
    const gr = await opened()
    const argument = (options: object) => take(gr, 1, options).catch(({ code, argument }) => [code, argument])
    expect(await argument({ from: "yesterday" })).toEqual(["invalid_argument", "from"])
    expect(await argument({ types: ["ready"] })).toEqual(["invalid_argument", "types"])
    expect(await argument({ types: [] })).toEqual(["invalid_argument", "types"])
    expect(await argument({ streamId: "x" })).toEqual(["invalid_argument", "streamId"])
  })
})

describe("gr.on", () => {
  it("calls a handler for one event after the other, and awaits it", async () => {
    const gr = await opened()
    const log: Array<string> = []
    let release = () => {}
    gr.on("broadcaster.created", async ({ position }) => {
      log.push(`begin ${position}`)
      await new Promise<void>((resolve) => {
        release = resolve
      })
      log.push(`end ${position}`)
    })
    await upsert(gr)
    await upsert(gr)
    await expect.poll(() => log).toEqual(["begin 1"])
    release()
    await expect.poll(() => log).toEqual(["begin 1", "end 1", "begin 2"])
    release()
  })

  it("goes on after a handler that fails, from the cursor that it was given", async () => {
    const logged: Array<string> = []
    const gr = await opened({ logger: ({ message }) => logged.push(message) })
    for (let each = 0; each < 4; each++) await upsert(gr)
    const [, second] = await take(gr, 2, { from: "beginning" })
    const seen: Array<number> = []
    const stop = gr.on(
      "broadcaster.created",
      ({ position }) => {
        seen.push(position)
        if (position === 3) throw new Error("the handler's fault")
      },
      { from: second!.cursor }
    )
    await expect.poll(() => seen).toEqual([3, 4])
    expect(logged.join()).toContain("a handler of events failed")
    stop()
    const other: Array<number> = []
    gr.on("broadcaster.created", ({ position }) => other.push(position))
    await upsert(gr)
    await expect.poll(() => other).toEqual([5])
    expect(seen).toEqual([3, 4])
  })

  it("reports to its host that events are lost, and goes on from now", async () => {
    const gr = await opened()
    await upsert(gr)
    const [event] = await take(gr, 1, { from: "beginning" })
    const log = event!.cursor.replace(/-.*/, "")
    const lost: Array<unknown> = []
    const seen: Array<number> = []
    gr.on("broadcaster.created", ({ position }) => seen.push(position), {
      from: `${log}-9`,
      onLost: (what) => lost.push(what)
    })
    await expect.poll(() => lost).toEqual([{ reason: "future", oldest: `${log}-0` }])
    await upsert(gr)
    await expect.poll(() => seen).toEqual([2])
  })

  it("refuses what is no type and no cursor at once", async () => {
    const gr = await opened()
    expect(() => gr.on("ready" as never, () => {})).toThrow(/expected one of/)
    expect(() => gr.on("stream.active", () => {}, { from: "1" })).toThrow(/cursor/)
  })
})
