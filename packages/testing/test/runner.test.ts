/** What a test runner gets: a law that is broken rejects with the assertion, and the laws of the media server can be broken, too. */
import { MediaMtx } from "@greenroom/adapters/mediamtx"
import { MediaServer, Repositories, type StreamId, Streams } from "@greenroom/core"
import { type LawSuite, mediaServerLaws, onSimulator, partialStore, registerLaws } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { expect, it } from "vitest"

/** The tests that would be registered, by name, and the release. */
const registered = <R>(suites: LawSuite<R> | ReadonlyArray<LawSuite<R>>) => {
  const tests = new Map<string, () => Promise<void>>()
  const releases: Array<() => Promise<void>> = []
  registerLaws(suites, {
    describe: (_, define) => define(),
    it: (name, test) => tests.set(name, test),
    afterAll: (release) => releases.push(release)
  })
  return { tests, release: () => Promise.all(releases.map((release) => release())) }
}

it("a law runs over what its layer provides, which is built once and released at the end", async () => {
  const life: Array<string> = []
  const layer = Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.sync(() => life.push("built")),
      () => Effect.sync(() => life.push("released"))
    )
  )
  const law = (name: string, check: Effect.Effect<unknown, unknown>) => ({ name, check, timeoutMillis: 1_000 })
  const { tests, release } = registered({
    name: "suite",
    layer,
    laws: [law("holds", Effect.void), law("fails", Effect.fail(new Error("broken"))), law("dies", Effect.die("odd"))]
  })
  expect(life).toEqual([])
  await tests.get("holds")!()
  await expect(tests.get("fails")!()).rejects.toThrow("broken")
  await expect(tests.get("dies")!()).rejects.toBeDefined()
  await release()
  expect(life).toEqual(["built", "released"])
})

it("a client that takes a publisher for gone breaks the first law of the media server", async () => {
  const broken = (access: Parameters<typeof MediaMtx.layer>[0]) =>
    Layer.effect(
      MediaServer,
      Effect.map(MediaServer, (server) => ({ ...server, find: () => Effect.succeed("gone" as const) }))
    ).pipe(Layer.provide(MediaMtx.layer(access)))
  const { tests, release } = registered(mediaServerLaws(onSimulator({ name: "broken", layer: broken })))
  const [first] = tests.values()
  await expect(first!()).rejects.toThrow(/'gone'[\s\S]*'present'/)
  await release()
})

it("a partial store has what it was given, and names what it was not", async () => {
  const store = partialStore({ streams: { unendedOf: () => Effect.succeed([]) } })
  const use = (streams: Streams["Service"]) => streams.unendedOf({ streamKeyId: "x" as never })
  expect(await Effect.runPromise(Effect.provide(Effect.flatMap(Streams, use), store))).toEqual([])
  const missing = Effect.flatMap(Streams, (streams) => streams.find("x" as StreamId))
  await expect(Effect.runPromise(Effect.provide(missing, store))).rejects.toThrow("streams.find is not in this store")
  const effect = Effect.flatMap(Repositories, ({ sessions }) => sessions.open)
  await expect(Effect.runPromise(Effect.provide(effect, store))).rejects.toThrow("sessions.open is not in this store")
})
