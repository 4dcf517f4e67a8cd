/**
 * Every protocol of every MediaMTX in `MEDIAMTX_BINS`, one version after the other, on real input. At the end stands the table of what is
 * supported, as `docs/mediamtx.md` has it.
 */
import { afterAll, assert, describe, it, layer, type Vitest } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { browserBinary } from "../../worlds/browser.ts"
import { ffmpegBinary, type RealBinary, realBinaries } from "../../worlds/realBinaries.ts"
import { TestDeployment } from "../../worlds/TestDeployment.ts"
import { page, publish, reconnect, refuse, secondPublisher } from "./admissionPlays.ts"
import { afterRestart, beforeRestart, kill, revoke, stranger } from "./endPlays.ts"
import { asking, type MediaUnderTest, open, type Way, waysOf } from "./MediaUnderTest.ts"
import { isPlayedOver, type Play } from "./Play.ts"
import { makeResults } from "./Results.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const

/** Those that a way plays by itself, once it can publish, on a MediaMTX that asks Greenroom. */
const ownPlays = { page, refuse, "second publisher": secondPublisher, revoke, kill, reconnect } as const

const binaries = (process.env.MEDIAMTX_BINS ?? "") === "" ? [] : realBinaries()
const results = makeResults()

/** Its first line, without what is another in each run. */
const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const [line = ""] = String(error instanceof Error ? error.message : error).split("\n")
  return line.replaceAll(/sk_[\w-]+…/g, "the key").replaceAll(/live\/\w+/g, "the path")
}

type Needs = TestDeployment | MediaUnderTest

/** Played; its outcome is kept for the table, whatever it is. */
const play = Effect.fnUntraced(function* <R>(
  { version }: RealBinary,
  way: Way,
  name: Play,
  run: Effect.Effect<string, never, R>
) {
  const exit = yield* Effect.exit(Effect.scoped(run))
  const outcome = Exit.isSuccess(exit) ? exit.value : reasonOf(exit.cause)
  results.add({ version, way, play: name, outcome })
  return { isOver: Exit.isFailure(exit), name, outcome }
})

type Played = Effect.Success<ReturnType<typeof play>>

const allOk = (played: ReadonlyArray<Played>) =>
  assert.deepStrictEqual(
    played.flatMap(({ name, outcome }) => (outcome === "ok" ? [] : [`${name}: ${outcome}`])),
    []
  )

const measureOf =
  ({ version }: RealBinary, way: Way) =>
  (what: string, value: number | string) =>
    results.fact({ version, way, what, value })

const ownPlaysOf = (it: Vitest.MethodsNonLive<Needs>, binary: RealBinary): void => {
  it.effect.each(waysOf(binary.version))("over %s", (way) =>
    Effect.gen(function* () {
      const measure = measureOf(binary, way)
      const published = yield* play(binary, way, "publish", publish(way, measure))
      // Who cannot publish has nothing else to show.
      const names = published.isOver ? [] : (Object.keys(ownPlays) as ReadonlyArray<keyof typeof ownPlays>)
      const played = yield* Effect.forEach(
        names.filter((name) => isPlayedOver(way, name)),
        (name) => play(binary, way, name, ownPlays[name](way, measure))
      )
      const all = [published, ...played]
      // A run of many versions takes long: how far it is.
      console.log(`${binary.version} over ${way}: ${all.map(({ name, outcome }) => `${name} ${outcome}`).join(", ")}`)
      allOk(all)
    })
  )
}

const restartOf = (it: Vitest.MethodsNonLive<Needs>, binary: RealBinary): void => {
  it.effect("a restart under all of them", () =>
    Effect.gen(function* () {
      const { mediaServer } = yield* TestDeployment
      const before = yield* beforeRestart(waysOf(binary.version))
      yield* mediaServer.stop
      yield* mediaServer.start
      yield* mediaServer.back
      const played = yield* Effect.forEach(before, ({ way, before }) =>
        play(binary, way, "restart", afterRestart(way, before))
      )
      allOk(played)
    })
  )
}

const strangersOf = (it: Vitest.MethodsNonLive<Needs>, binary: RealBinary): void => {
  it.effect.each(waysOf(binary.version))("a stranger over %s", (way) =>
    Effect.map(play(binary, way, "stranger", stranger(way, measureOf(binary, way))), (one) => allOk([one]))
  )
}

if (binaries.length === 0 || ffmpegBinary === undefined) {
  const why =
    ffmpegBinary === undefined ? "no ffmpeg in PATH" : "MEDIAMTX_BINS names no MediaMTX (paths, separated by `:`)"
  console.warn(`Versions of MediaMTX: not played, ${why}`)
  describe("versions of MediaMTX", () => it.skip("none", () => {}))
} else {
  const names = binaries.map(({ version }) => version).join(", ")
  console.log(
    `Versions of MediaMTX: ${names}${browserBinary === undefined ? "; no chromium: without WebRTC and MoQ" : ""}`
  )
  afterAll(() => console.log(`\n${results.tables()}\n`))

  for (const binary of binaries) {
    layer(asking(binary), options)(`MediaMTX ${binary.version}`, (it) => {
      describe.concurrent("every protocol by itself", () => ownPlaysOf(it, binary))
      describe("all protocols", () => restartOf(it, binary))
    })
    layer(open(binary), options)(`MediaMTX ${binary.version} that admits every publisher by itself`, (it) => {
      describe.concurrent("every protocol by itself", () => strangersOf(it, binary))
    })
  }
}
