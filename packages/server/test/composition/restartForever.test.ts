import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Logger } from "effect"
import { TestClock } from "effect/testing"
import { restartForever } from "../../src/composition/restartForever.ts"

/** Something that starts as often as `starts` says so, and dies when told. */
const mortal = (starts: (attempt: number) => boolean) => {
  let attempts = 0
  let running = 0
  let die: Deferred.Deferred<string> = Deferred.makeUnsafe()
  const start = Effect.gen(function* () {
    attempts += 1
    if (!starts(attempts)) return yield* Effect.fail(new Error(`no memory at attempt ${attempts}`))
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        running += 1
      }),
      () =>
        Effect.sync(() => {
          running -= 1
        })
    )
    die = Deferred.makeUnsafe()
    return { exited: Deferred.await(die) }
  })
  return {
    start,
    attempts: () => attempts,
    running: () => running,
    kill: Effect.suspend(() => Deferred.succeed(die, "killed by SIGKILL"))
  }
}

const heard = () => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    if (logLevel !== "Debug") lines.push(`${logLevel} ${Array.isArray(message) ? message.join(" ") : message}`)
  })
  return { lines, layer: Logger.layer([logger]) }
}

describe("what is kept alive", () => {
  it.effect("fails as its first start does", () =>
    Effect.gen(function* () {
      const { start, attempts } = mortal(() => false)
      const exit = yield* Effect.exit(restartForever(start, "it"))
      assert.isTrue(Exit.isFailure(exit))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(attempts(), 1)
    })
  )

  it.effect("is started again within a second, one at a time, until the scope closes", () =>
    Effect.gen(function* () {
      const it = mortal(() => true)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* restartForever(it.start, "it")
          yield* it.kill
          yield* TestClock.adjust("1 second")
          assert.strictEqual(it.attempts(), 2)
          assert.strictEqual(it.running(), 1)
        })
      )
      assert.strictEqual(it.running(), 0)
    })
  )

  it.effect("tells a trouble once, however long it lasts, and that it is over", () => {
    const { lines, layer } = heard()
    return Effect.gen(function* () {
      const it = mortal((attempt) => attempt === 1 || attempt > 20)
      yield* restartForever(it.start, "it")
      yield* it.kill
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(it.running(), 1)
      assert.deepStrictEqual(lines, [
        "Error it stopped and is started again",
        "Error it does not start",
        "Info it is up again"
      ])
    }).pipe(Effect.provide(layer))
  })

  it.effect("is started ever more seldom when it dies as soon as it is up", () =>
    Effect.gen(function* () {
      const it = mortal(() => true)
      yield* restartForever(it.start, "it")
      for (let seconds = 0; seconds < 120; seconds++) {
        yield* it.kill
        yield* TestClock.adjust("1 second")
      }
      assert.isAtMost(it.attempts(), 20)
      yield* TestClock.adjust("1 minute")
      yield* it.kill
      yield* TestClock.adjust("1 second")
      const settled = it.attempts()
      yield* TestClock.adjust("1 minute")
      yield* it.kill
      yield* TestClock.adjust("1 second")
      assert.strictEqual(it.attempts(), settled + 1)
    })
  )
})
