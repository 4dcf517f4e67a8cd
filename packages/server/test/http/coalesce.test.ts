import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { coalesce } from "../../src/http/routes/coalesce.ts"

const upTo = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most }))
/** One who asks so many milliseconds after the one before, and whether somebody wrote just then. */
const Step = Schema.Struct({ after: upTo(30), question: upTo(2), writes: Schema.Boolean })

describe("a shared answer", () => {
  it.effect.prop(
    "is never begun before it was asked for, and is made by one at a time",
    [Schema.Array(Step).check(Schema.isMinLength(1), Schema.isMaxLength(40))],
    ([steps]) =>
      Effect.gen(function* () {
        let written = 0
        const making = new Set<number>()
        const ask = coalesce(
          Effect.fnUntraced(function* ({ question, takes }: { readonly question: number; readonly takes: number }) {
            assert.isFalse(making.has(question), "two at a time")
            making.add(question)
            const seen = written
            yield* Effect.sleep(takes)
            making.delete(question)
            return { question, seen }
          })
        )
        const asking: Array<Fiber.Fiber<void>> = []
        for (const { after, question, writes } of steps) {
          yield* TestClock.adjust(after)
          if (writes) written++
          const before = written
          const one = Effect.map(ask({ question, takes: 10 * question }), (answer) => {
            assert.strictEqual(answer.question, question)
            assert.isAtLeast(answer.seen, before)
          })
          asking.push(yield* Effect.forkChild(one, { startImmediately: true }))
        }
        yield* TestClock.adjust(1_000)
        for (const fiber of asking) yield* Fiber.join(fiber)
      }),
    { arbitrary: { runs: 200 } }
  )

  it.effect(
    "is made twice for a hundred who ask at once: for the first, and for those who came after its beginning",
    () =>
      Effect.gen(function* () {
        let made = 0
        const ask = coalesce((_: string) =>
          Effect.delay(
            Effect.sync(() => ++made),
            5
          )
        )
        const first = yield* Effect.forkChild(ask("who is live?"), { startImmediately: true })
        yield* TestClock.adjust(1)
        const others = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: 99 }), () => ask("who is live?"), { concurrency: "unbounded" }),
          { startImmediately: true }
        )
        yield* TestClock.adjust(100)
        assert.strictEqual(yield* Fiber.join(first), 1)
        assert.deepStrictEqual(new Set(yield* Fiber.join(others)), new Set([2]))
        assert.strictEqual(made, 2)
      })
  )

  it.effect("does not keep one question waiting for another", () =>
    Effect.gen(function* () {
      const ask = coalesce((millis: number) => Effect.andThen(Effect.sleep(millis), Clock.currentTimeMillis))
      const began = yield* Clock.currentTimeMillis
      const slow = yield* Effect.forkChild(ask(1_000), { startImmediately: true })
      const quick = yield* Effect.forkChild(ask(10), { startImmediately: true })
      yield* TestClock.adjust(10)
      assert.strictEqual((yield* Fiber.join(quick)) - began, 10)
      yield* TestClock.adjust(990)
      assert.strictEqual((yield* Fiber.join(slow)) - began, 1_000)
    })
  )

  it.effect.each(["a failure", "a defect"])("is %s for all who wait for it, and made anew for the next", (trouble) =>
    Effect.gen(function* () {
      let made = 0
      const broken = trouble === "a failure" ? Effect.fail("no") : Effect.die("no")
      const ask = coalesce((_: string) =>
        Effect.andThen(
          Effect.sleep(5),
          Effect.suspend(() => (++made === 2 ? broken : Effect.succeed(made)))
        )
      )
      const asking = yield* Effect.forkChild(
        Effect.forEach([0, 1, 2, 6], (after) => Effect.exit(Effect.andThen(Effect.sleep(after), ask(""))), {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust(100)
      const [first, second, third, fourth] = yield* Fiber.join(asking)
      assert.deepStrictEqual([first, fourth], [Exit.succeed(1), Exit.succeed(3)])
      assert.isTrue(Exit.isFailure(second!) && Exit.isFailure(third!))
    })
  )

  it.effect("comes to the others when the one who asked first has left", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const ask = coalesce((_: string) => Effect.as(Deferred.await(gate), "live"))
      const first = yield* Effect.forkChild(ask(""), { startImmediately: true })
      const second = yield* Effect.forkChild(ask(""), { startImmediately: true })
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(second), "live")
    })
  )
})
