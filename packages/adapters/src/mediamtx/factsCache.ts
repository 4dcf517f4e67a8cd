/**
 * The facts about a media server: read for each new process and every ten seconds, answered from memory. The leader reads them
 * beside its snapshots. A follower takes no snapshots, so it reads them in the background when a caller wants them. Nothing here
 * fails or delays a snapshot.
 */
import { allEnabled, type EnabledProtocols, type MediaServerFacts, type MediaServerUnavailable } from "@greenroom/core"
import { monotonicMillis } from "@greenroom/core/internal"
import { Effect, type Scope } from "effect"
import { decodeAnswer } from "./answerBody.ts"
import { type Call, unavailable } from "./Call.ts"
import type { ControlApi } from "./ControlApi.ts"
import { GlobalConfig, PathDefaults, servedOf } from "./ControlApiSchema.ts"
import { factsOf } from "./facts.ts"
import { type Identify, pathDefaultsCall, type RunningServer, STARTED_UNKNOWN } from "./RunningServer.ts"
import { callOn } from "./routes.ts"

/** How long the facts of one process count as fresh: an operator's change to the configuration shows within this. */
const FRESH_FOR_MS = 10_000
/** A slow configuration must not cost the snapshot its deadline. */
const READ_WITHIN_MS = 500
/** Older facts decide nothing, because the process may have been replaced without a change of `started`. */
const FACTS_VALID_MS = 30_000
/** Less than `READ_WITHIN_MS`: the slower parts must not cost the configuration its deadline. */
const DETAILS_WITHIN_MS = 400

const configCall: Call = { method: "GET", route: "/v3/config/global/get" }
const decodeConfig = decodeAnswer(GlobalConfig)
const decodePathDefaults = decodeAnswer(PathDefaults)

const readConfig = Effect.fnUntraced(function* (api: ControlApi) {
  const answer = yield* api(configCall)
  if (answer._tag !== "Ok") return yield* unavailable(configCall, "nonsense", answer._tag)
  return yield* decodeConfig(configCall, answer.body)
})

const readPathDefaults = Effect.fnUntraced(function* (api: ControlApi, { names }: RunningServer) {
  const call = pathDefaultsCall(names)
  const answer = yield* api(call)
  return answer._tag === "Ok" ? yield* decodePathDefaults(call, answer.body) : null
})

/** The slower parts of the configuration. A late part keeps its earlier value, so that no warning comes and goes with it. */
interface Details {
  readonly pathDefaults: PathDefaults | null
  readonly moqIsListed: boolean
}

/** Until the answer is there, MoQ counts as listed, so that no MoQ publisher is refused for a missing list. */
const unknownDetails: Details = { pathDefaults: null, moqIsListed: true }

const moqIsListed = (api: ControlApi, { names }: RunningServer) =>
  Effect.map(api(callOn(names, "moq", "list", "?itemsPerPage=1")), ({ _tag }) => _tag !== "NoRoute")

const orElse = <A, B>(effect: Effect.Effect<A, MediaServerUnavailable>, otherwise: B): Effect.Effect<A | B> =>
  Effect.orElseSucceed(Effect.timeout(effect, DETAILS_WITHIN_MS), () => otherwise)

interface CachedFacts {
  readonly started: string
  readonly at: number
  readonly served: EnabledProtocols
  readonly facts: MediaServerFacts
  readonly details: Details
}

export interface FactsCache {
  readonly refresh: (server: RunningServer) => Effect.Effect<void>
  readonly served: Effect.Effect<EnabledProtocols>
  readonly facts: Effect.Effect<MediaServerFacts | null>
  readonly factsNow: Effect.Effect<MediaServerFacts | null>
}

export const makeFactsCache = Effect.fnUntraced(function* (
  api: ControlApi,
  identify: Identify
): Effect.fn.Return<FactsCache, never, Scope.Scope> {
  const scope = yield* Effect.scope
  let cached: CachedFacts | undefined
  let triedAt = Number.NEGATIVE_INFINITY

  const isFresh = (server: RunningServer, at: number) =>
    cached?.started === server.started && at - cached.at < FRESH_FOR_MS

  const read = Effect.fnUntraced(function* (server: RunningServer) {
    const at = yield* monotonicMillis
    const before = cached?.started === server.started ? cached.details : unknownDetails
    const [config, pathDefaults, listed] = yield* Effect.all(
      [
        readConfig(api),
        orElse(readPathDefaults(api, server), before.pathDefaults),
        orElse(moqIsListed(api, server), before.moqIsListed)
      ],
      { concurrency: "unbounded" }
    )
    const facts = factsOf(server.version, config, pathDefaults, listed)
    const details: Details = { pathDefaults, moqIsListed: listed }
    cached = { started: server.started, at, served: servedOf(config), facts, details }
  })
  const inTime = <E>(effect: Effect.Effect<void, E>) => Effect.ignore(Effect.timeout(effect, READ_WITHIN_MS))

  const refreshIfOld = (server: RunningServer) =>
    Effect.flatMap(monotonicMillis, (now) => (isFresh(server, now) ? Effect.void : read(server)))

  const refreshInBackground = Effect.gen(function* () {
    const now = yield* monotonicMillis
    if (now - Math.max(triedAt, cached?.at ?? triedAt) < FRESH_FOR_MS) return
    triedAt = now
    yield* Effect.forkIn(inTime(Effect.flatMap(identify.now, refreshIfOld)), scope)
  })
  const fromCache = <A>(get: () => A) => Effect.andThen(refreshInBackground, Effect.sync(get))

  return {
    refresh: (server) => inTime(refreshIfOld(server)),
    served: fromCache(() => cached?.served ?? allEnabled),
    facts: fromCache(() => cached?.facts ?? null),
    factsNow: Effect.gen(function* () {
      const server = yield* Effect.option(Effect.timeout(identify.now, READ_WITHIN_MS))
      if (server._tag === "None") return null
      const { started } = server.value
      const begun = yield* monotonicMillis
      yield* inTime(read(server.value))
      if (cached?.started !== started) return null
      const oldest = started === STARTED_UNKNOWN ? begun : begun - FACTS_VALID_MS
      return cached.at >= oldest ? cached.facts : null
    })
  }
})
