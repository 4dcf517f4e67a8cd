/** Lists give way: a few at a time, the next ones wait, the rest get 503; and the writing of one lets others run between. */
import { assert, describe as describeEffect, it as itEffect } from "@effect/vitest"
import { inTurns } from "@greenroom/core/internal"
import { DateTime, Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { StreamEvent } from "../../../src/http/api/streamSchemas.ts"
import { AT_ONCE, make, WAIT_MS, WAITING_MAX } from "../../../src/http/lists/ListSlots.ts"
import { pageAnswer } from "../../../src/http/lists/pageAnswer.ts"
import { assertProblem } from "../support/assertProblem.ts"
import { type Answer, call } from "../support/client.ts"
import { type Service, start } from "../support/service.ts"

describeEffect("the slots of lists", () => {
  const counting = () => {
    const seen = { refused: 0, running: 0, most: 0 }
    const slots = make({ observe: () => void seen.refused++, close: () => undefined })
    return { seen, slots }
  }

  itEffect.effect("let two run, let others wait, and refuse what finds too many waiting", () =>
    Effect.gen(function* () {
      const { seen, slots } = counting()
      const open = yield* Deferred.make<void>()
      const answer = slots.run(
        Effect.gen(function* () {
          seen.running += 1
          seen.most = Math.max(seen.most, seen.running)
          yield* Deferred.await(open)
          seen.running -= 1
        })
      )
      const fibers = yield* Effect.forEach(Array.from({ length: AT_ONCE + WAITING_MAX }), () =>
        Effect.forkChild(answer)
      )
      yield* Effect.yieldNow
      assert.strictEqual((yield* Effect.flip(answer)).type, "/errors/busy")
      assert.deepStrictEqual(seen, { refused: 1, running: AT_ONCE, most: AT_ONCE })
      yield* Deferred.succeed(open, undefined)
      for (const fiber of fibers) yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, { refused: 1, running: 0, most: AT_ONCE })
      yield* answer
    })
  )

  itEffect.effect("refuse what has waited too long, never what has begun, and forget who leaves", () =>
    Effect.gen(function* () {
      const { seen, slots } = counting()
      const begun = yield* Effect.forEach(Array.from({ length: AT_ONCE }), () =>
        Effect.forkChild(slots.run(Effect.sleep(3 * WAIT_MS)))
      )
      yield* Effect.yieldNow
      const waiting = yield* Effect.forkChild(Effect.exit(slots.run(Effect.void)))
      const leaving = yield* Effect.forEach(Array.from({ length: WAITING_MAX - 1 }), () =>
        Effect.forkChild(slots.run(Effect.void))
      )
      yield* Effect.yieldNow
      yield* Effect.forEach(leaving, Fiber.interrupt)
      const late = yield* Effect.forEach(Array.from({ length: WAITING_MAX - 1 }), () =>
        Effect.forkChild(Effect.exit(slots.run(Effect.void)))
      )
      yield* TestClock.adjust(WAIT_MS)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(waiting)))
      for (const fiber of late) assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      assert.strictEqual(seen.refused, WAITING_MAX)
      yield* TestClock.adjust(2 * WAIT_MS)
      for (const fiber of begun) yield* Fiber.join(fiber)
      yield* slots.run(Effect.void)
    })
  )
})

describe("a page", () => {
  const ticksDuring = async (work: Effect.Effect<unknown>): Promise<number> => {
    let ticks = 0
    let over = false
    const tick = () => {
      ticks += 1
      if (!over) setImmediate(tick)
    }
    setImmediate(tick)
    await Effect.runPromise(work)
    over = true
    return ticks
  }

  it("is written in turns, between which others run", async () => {
    const items = Array.from({ length: 200 }, (_, index) => index)
    expect(await ticksDuring(inTurns(items, (part) => part.length))).toBeGreaterThanOrEqual(7)
    expect((await Effect.runPromise(inTurns(items, (part) => part))).flat()).toEqual(items)
    expect(await Effect.runPromise(inTurns([], (part) => part))).toEqual([])
  })

  it("is the JSON of its items and its envelope", async () => {
    const answer = pageAnswer("events", StreamEvent, (seq: number) => ({
      seq,
      type: "kicked" as const,
      at: DateTime.makeUnsafe(0),
      data: { said: '"a"' }
    }))
    const response = await Effect.runPromise(answer({ items: [1, 2], next_cursor: null, message: "x" }))
    expect(response.headers["content-type"]).toBe("application/json")
    const { body } = response
    const text = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
    expect(JSON.parse(text)).toMatchObject({
      events: [{ seq: 1, at: "1970-01-01T00:00:00.000Z", data: { said: '"a"' } }, { seq: 2 }],
      count: 2,
      next_cursor: null,
      message: "x"
    })
  })
})

describe("lists while the store is slow", () => {
  let service: Service
  beforeAll(async () => {
    service = await start()
  })
  afterAll(() => service.close())

  it("get 503 and Retry-After beyond those that may wait; other calls go on", async () => {
    service.trouble("slow")
    const stop = new AbortController()
    const pending = Array.from({ length: AT_ONCE + WAITING_MAX }, (_, index) =>
      fetch(`${service.base}/stream-keys?limit=${index + 1}`, {
        headers: { "x-api-key": "the-operator-secret" },
        signal: stop.signal
      }).catch(() => undefined)
    )
    const metrics = () => call(service, "GET", "/metrics")
    await expect.poll(async () => (await metrics()).text).toMatch(/greenroom_lists_waiting 64\n/)
    const refused: Answer = await call(service, "GET", "/broadcasters")
    assertProblem(refused, "busy")
    expect(refused.headers.get("retry-after")).toBe("2")
    expect((await call(service, "GET", "/livez")).status).toBe(200)
    expect((await metrics()).text).toMatch(/greenroom_lists_refused_total \d+/)
    const warnings = service.lines.filter(({ level }) => level === "Warn")
    expect(warnings.map(({ annotations }) => annotations.kind)).toEqual(["lists_refused"])
    stop.abort()
    service.trouble("none")
    await Promise.all(pending)
    await expect.poll(async () => (await call(service, "GET", "/broadcasters")).status).toBe(200)
  })
})
