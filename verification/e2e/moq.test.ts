/** A publisher over MoQ: how MediaMTX asks about it, lists it and kicks it, and that the tests' own encoder reports what became of it. */
import { assert, describe, it } from "@effect/vitest"
import { isAtLeast } from "@greenroom/mediamtx-simulator"
import { Effect } from "effect"
import { authServer } from "../worlds/authServer.ts"
import { browserBinary } from "../worlds/browser.ts"
import { type MoqCredential, moqEncoder } from "../worlds/moqEncoder.ts"
import { freePorts } from "../worlds/processes.ts"
import { binaryAt } from "../worlds/realBinaries.ts"
import { until } from "../worlds/realDeployments.ts"
import { mediaMtxBinary, realMediaMtx } from "../worlds/realMediaMtx.ts"

const KEY = `sk_${"m".repeat(43)}`
const PATH = "live/moq"

const absent = [
  ...(mediaMtxBinary === undefined || !isAtLeast(binaryAt(mediaMtxBinary).version, "1.19.0")
    ? ["mediamtx 1.19 or newer"]
    : []),
  ...(browserBinary === undefined ? ["chromium"] : [])
]

interface Listed {
  readonly items: ReadonlyArray<{ readonly id: string; readonly state: string; readonly path: string }>
}

interface Paths {
  readonly items: ReadonlyArray<{
    readonly name: string
    readonly ready: boolean
    readonly source: { readonly type: string; readonly id: string } | null
    readonly tracks: ReadonlyArray<string>
  }>
}

const setUp = Effect.gen(function* () {
  const auth = yield* authServer(({ action, password, token }) =>
    Effect.succeed(action !== "publish" || password === KEY || token === KEY)
  )
  const [moqPort = 0] = yield* Effect.promise(() => freePorts(1))
  const mtx = yield* realMediaMtx({ authHttpAddress: auth.address, protocols: ["rtsp"], moqPort })
  const call = async <A>(method: string, route: string) =>
    (await (await fetch(`${mtx.apiUrl}/v3/${route}`, { method })).json()) as A
  const pathItem = async () => (await call<Paths>("GET", "paths/list")).items.find(({ name }) => name === PATH)
  const encode = (bearer: string, credential?: MoqCredential) =>
    moqEncoder({ protocol: "moq", path: PATH, url: `https://127.0.0.1:${moqPort}/${PATH}`, bearer }, credential)
  const isReady = until("it is ready", async () => (await pathItem())?.ready === true)
  const isGone = until("it is gone", async () => (await pathItem())?.ready !== true)
  const asked = Effect.map(auth.questions, (questions) => questions.filter(({ action }) => action === "publish"))
  return { call, pathItem, encode, isReady, isGone, asked }
})

if (absent.length > 0) {
  console.warn(`MoQ: not run, no ${absent.join(" and no ")}`)
  describe("MoQ", () => it.skip("a publisher", () => {}))
} else {
  describe("a publisher over MoQ", () => {
    it.live("is one by its id in its auth call, its list, its path and its kick, and ends when it is kicked", () =>
      Effect.gen(function* () {
        const { call, pathItem, encode, isReady, isGone, asked } = yield* setUp
        const encoder = yield* encode("", { user: "any", password: KEY })
        yield* isReady
        const [question] = yield* asked
        assert.deepInclude(question, { protocol: "moq", path: PATH, user: "any", password: KEY })
        const { items } = yield* Effect.promise(() => call<Listed>("GET", "moqsessions/list"))
        assert.deepStrictEqual(
          items.map(({ id, state, path }) => ({ id, state, path })),
          [{ id: question?.id ?? "none", state: "publish", path: PATH }]
        )
        const found = yield* Effect.promise(pathItem)
        assert.deepStrictEqual(found?.source, { type: "moqSession", id: question?.id ?? "none" })
        assert.sameMembers([...(found?.tracks ?? [])], ["H264", "Opus"])
        assert.isFalse(encoder.hasEnded())

        yield* Effect.promise(() => call("POST", `moqsessions/kick/${question?.id}`))
        yield* encoder.ended
        assert.match(encoder.shown(), /connection|session|stream|stop_sending/i)
        yield* isGone
        assert.lengthOf(yield* asked, 1, "it does not come back by itself")
      })
    )

    it.live("with a bearer token is let in, and leaves nothing behind when it stops; a wrong one is refused", () =>
      Effect.gen(function* () {
        const { call, encode, isReady, isGone, asked } = yield* setUp
        const wrong = yield* encode("wrong")
        yield* wrong.ended
        assert.match(wrong.shown(), /authentic/i)
        const encoder = yield* encode(KEY)
        yield* isReady
        assert.strictEqual((yield* asked).at(-1)?.token, KEY)
        yield* encoder.stop
        assert.strictEqual(encoder.shown(), "stopped")
        yield* isGone
        yield* until(
          "its list is empty",
          async () => (await call<Listed>("GET", "moqsessions/list")).items.length === 0
        )
      })
    )
  })
}
