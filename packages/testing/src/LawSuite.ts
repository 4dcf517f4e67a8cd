/**
 * Laws, apart from any test runner: a law is a name and an Effect that fails when the law is broken. The laws of a suite share what its layer
 * provides, and each of them makes what it needs anew. `registerLaws` gives them to a test runner.
 */
import { Effect, type Layer, ManagedRuntime, type Scope } from "effect"

export interface Law<R> {
  readonly name: string
  readonly check: Effect.Effect<unknown, unknown, R | Scope.Scope>
  /** How long it may take on a busy machine. */
  readonly timeoutMillis: number
}

export interface LawSuite<R> {
  readonly name: string
  readonly layer: Layer.Layer<R, unknown>
  readonly laws: ReadonlyArray<Law<R>>
}

/** What is needed of a test runner: the `describe`, `it` and `afterAll` of Vitest, Jest and Bun, and the `after` of `node:test` as `afterAll`. */
export interface TestRunner {
  readonly describe: (name: string, define: () => void) => unknown
  readonly it: (name: string, test: () => Promise<void>, timeoutMillis: number) => unknown
  readonly afterAll: (release: () => Promise<void>) => unknown
}

export const LAW_TIMEOUT_MS = 240_000

/** One `describe` for each suite, one `it` for each law. The layer is built with the first law and released after the last. */
export const registerLaws = <R>(
  suites: LawSuite<R> | ReadonlyArray<LawSuite<R>>,
  { describe, it, afterAll }: TestRunner
): void => {
  for (const { name, layer, laws } of [suites].flat()) {
    describe(name, () => {
      const runtime = ManagedRuntime.make(layer)
      for (const law of laws) {
        const run = async () => void (await runtime.runPromise(Effect.scoped(law.check)))
        it(law.name, run, law.timeoutMillis)
      }
      afterAll(() => runtime.dispose())
    })
  }
}
