/**
 * The `MediaServer` port over a real MediaMTX's control API (v3, versions 1.9 to 1.20). Deadlines, health and what is remembered
 * between calls live here; what is asked is in `look.ts`, `sources.ts` and `curePath.ts`, how, in `ControlApi.ts`.
 *
 * MediaMTX takes up to 4 s to say that a password is wrong: only a look, with its 5 s, can tell that from silence.
 */
import {
  everythingServed,
  listsOf,
  MediaServer,
  MediaServerUnavailable,
  monotonicMillis,
  type Served,
  type Source
} from "@greenroom/core"
import { Duration, Effect, Layer, type Scope } from "effect"
import type { HttpClient } from "effect/http"
import { type Address, type Call, decodeAnswer, layerHttpClient, makeControlApi, unavailable } from "./ControlApi.ts"
import { makeCure } from "./curePath.ts"
import { insist } from "./insist.ts"
import { isRtsp, makeLists } from "./lists.ts"
import { lookAround } from "./look.ts"
import { makeRtspPause } from "./RtspPause.ts"
import { makeRtspTurns } from "./RtspTurns.ts"
import { findSource, kickSource } from "./sources.ts"
import { GlobalConfig, servedOf } from "./Wire.ts"

/** Each for the whole operation: all its calls, and the wait for their turn. */
export interface Deadlines {
  readonly look: Duration.Input
  readonly find: Duration.Input
  readonly kick: Duration.Input
  readonly curePath: Duration.Input
}

export const defaultDeadlines: Deadlines = {
  look: "5 seconds",
  find: "500 millis",
  kick: "2 seconds",
  curePath: "5 seconds"
}

export interface MediaMtxOptions extends Address {
  readonly deadlines?: Partial<Deadlines>
}

const SERVED_FOR_MS = 60_000
/** A configuration that is slow to come must not cost the look its deadline. */
const LEARN_WITHIN_MS = 500

const mayAskRtsp = (source: Source): boolean => listsOf(source.protocol).some(isRtsp)

const configCall: Call = { method: "GET", route: "/v3/config/global/get" }
const decodeConfig = decodeAnswer(GlobalConfig)

export const make = Effect.fnUntraced(function* (
  options: MediaMtxOptions
): Effect.fn.Return<MediaServer["Service"], never, HttpClient.HttpClient | Scope.Scope> {
  const deadlines = { ...defaultDeadlines, ...options.deadlines }
  const api = yield* makeControlApi(options)
  const lists = makeLists(api, { rtsp: yield* makeRtspTurns, rtsps: yield* makeRtspTurns })
  const { cure, finish } = makeCure(api, Duration.toMillis(deadlines.curePath) / 2)

  let health: "ok" | "unreachable" = "unreachable"
  let served: { readonly started: string | null; readonly at: number; readonly value: Served } | undefined

  const within = <A>(operation: keyof Deadlines, effect: Effect.Effect<A, MediaServerUnavailable>) =>
    Effect.timeoutOrElse(effect, {
      duration: deadlines[operation],
      orElse: () => {
        const detail = `no answer within ${Duration.format(Duration.fromInputUnsafe(deadlines[operation]))}`
        return Effect.fail(new MediaServerUnavailable({ reason: "unreachable", operation, detail }))
      }
    })

  /** An interrupted call says nothing; nor does an RTSP lookup that failed, which may have waited behind an auth. */
  const noted = <A>(effect: Effect.Effect<A, MediaServerUnavailable>, failureCounts = true) =>
    effect.pipe(
      Effect.tap(() => setHealth("ok")),
      Effect.tapError(() => (failureCounts ? setHealth("unreachable") : Effect.void))
    )
  const setHealth = (value: typeof health) =>
    Effect.sync(() => {
      health = value
    })

  const pausing = makeRtspPause()
  const findRtsp = (source: Source) => pausing(within("find", findSource(api, lists, source)))

  const learn = Effect.fnUntraced(function* (started: string | null) {
    const now = yield* monotonicMillis
    if (served?.started === started && now - served.at < SERVED_FOR_MS) return
    const answer = yield* api(configCall)
    if (answer._tag !== "Ok") return yield* unavailable(configCall, "nonsense", answer._tag)
    served = { started, at: now, value: servedOf(yield* decodeConfig(configCall, answer.text)) }
  })

  const learnInTime = (started: string | null) => Effect.ignore(Effect.timeout(learn(started), LEARN_WITHIN_MS))

  const meanwhile = (started: string) => Effect.andThen(finish, learnInTime(started))

  const scope = yield* Effect.scope
  let askedAt = Number.NEGATIVE_INFINITY
  /** Who looks learns on the way. Who stands by never looks: it asks behind the answer, which waits for nobody. */
  const learnBehind = Effect.gen(function* () {
    const now = yield* monotonicMillis
    if (now - Math.max(askedAt, served?.at ?? askedAt) < SERVED_FOR_MS) return
    askedAt = now
    yield* Effect.forkIn(learnInTime(served?.started ?? null), scope)
  })

  return MediaServer.of({
    look: noted(within("look", insist(lookAround(api, lists, meanwhile)))),
    find: (source) =>
      mayAskRtsp(source) ? noted(findRtsp(source), false) : noted(within("find", findSource(api, lists, source))),
    kick: (source) => within("kick", kickSource(api, lists, source)),
    curePath: cure,
    served: Effect.andThen(
      learnBehind,
      Effect.sync(() => served?.value ?? everythingServed)
    ),
    facts: Effect.succeed(null),
    health: Effect.sync(() => health)
  })
})

/** Opens connections when they are needed, so that building it cannot fail; they are closed with the layer. */
export const layer = (options: MediaMtxOptions): Layer.Layer<MediaServer> =>
  Layer.effect(MediaServer, make(options)).pipe(Layer.provide(layerHttpClient))

const nobody = (operation: string) =>
  Effect.fail(new MediaServerUnavailable({ reason: "absent", operation, detail: "no media server is configured" }))

/** For a service without a media server. */
export const absent: Layer.Layer<MediaServer> = Layer.succeed(MediaServer, {
  look: nobody("look"),
  find: () => nobody("find"),
  kick: () => nobody("kick"),
  curePath: () => nobody("curePath"),
  served: Effect.succeed(everythingServed),
  facts: Effect.succeed(null),
  health: Effect.succeed("absent" as const)
})
