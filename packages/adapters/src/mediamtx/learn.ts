/**
 * The facts about a media server, read anew with each process and every ten seconds, and answered from memory. The leader reads them with its
 * snapshots. A follower takes no snapshots: it reads them in the background when it is asked for them. Nothing here fails or holds up a look.
 */
import {
  allEnabled,
  type EnabledProtocols,
  type MediaServerFacts,
  type MediaServerUnavailable,
  monotonicMillis
} from "@greenroom/core"
import { Effect, type Scope } from "effect"
import { type Call, type ControlApi, decodeAnswer, unavailable } from "./ControlApi.ts"
import { GlobalConfig, PathDefaults, servedOf } from "./ControlApiSchema.ts"
import { factsOf } from "./facts.ts"
import { type Identify, pathDefaultsCall, type RunningServer, STARTED_UNKNOWN } from "./RunningServer.ts"
import { callOn } from "./routes.ts"

const LEARNT_FOR_MS = 10_000
/** A configuration that is slow to come must not cost the look its deadline. */
const LEARN_WITHIN_MS = 500
/** Facts older than this decide nothing. The process may have been replaced where `started` does not show it. */
const FACTS_VALID_MS = 30_000
/** What is less needed must not cost what is more. */
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

/** The slower parts of the configuration. What is late keeps its earlier value, so that no warning comes and goes with it. */
interface Details {
  readonly pathDefaults: PathDefaults | null
  readonly moqIsListed: boolean
}

/** Until it answers, MoQ is taken to be listed: its publishers are not refused for that. */
const unknownDetails: Details = { pathDefaults: null, moqIsListed: true }

const moqIsListed = (api: ControlApi, { names }: RunningServer) =>
  Effect.map(api(callOn(names, "moq", "list", "?itemsPerPage=1")), ({ _tag }) => _tag !== "NoRoute")

const orElse = <A, B>(effect: Effect.Effect<A, MediaServerUnavailable>, otherwise: B): Effect.Effect<A | B> =>
  Effect.orElseSucceed(Effect.timeout(effect, DETAILS_WITHIN_MS), () => otherwise)

interface Learnt {
  readonly started: string
  readonly at: number
  readonly served: EnabledProtocols
  readonly facts: MediaServerFacts
  readonly details: Details
}

export interface Learning {
  readonly learn: (server: RunningServer) => Effect.Effect<void>
  readonly served: Effect.Effect<EnabledProtocols>
  readonly facts: Effect.Effect<MediaServerFacts | null>
  readonly factsNow: Effect.Effect<MediaServerFacts | null>
}

export const makeLearning = Effect.fnUntraced(function* (
  api: ControlApi,
  identify: Identify
): Effect.fn.Return<Learning, never, Scope.Scope> {
  const scope = yield* Effect.scope
  let learnt: Learnt | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  const isFresh = (server: RunningServer, at: number) =>
    learnt?.started === server.started && at - learnt.at < LEARNT_FOR_MS

  const ask = Effect.fnUntraced(function* (server: RunningServer) {
    const at = yield* monotonicMillis
    const before = learnt?.started === server.started ? learnt.details : unknownDetails
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
    learnt = { started: server.started, at, served: servedOf(config), facts, details }
  })
  const inTime = <E>(effect: Effect.Effect<void, E>) => Effect.ignore(Effect.timeout(effect, LEARN_WITHIN_MS))

  const askIfOld = (server: RunningServer) =>
    Effect.flatMap(monotonicMillis, (now) => (isFresh(server, now) ? Effect.void : ask(server)))

  const behind = Effect.gen(function* () {
    const now = yield* monotonicMillis
    if (now - Math.max(askedAt, learnt?.at ?? askedAt) < LEARNT_FOR_MS) return
    askedAt = now
    yield* Effect.forkIn(inTime(Effect.flatMap(identify.now, askIfOld)), scope)
  })
  const remembered = <A>(read: () => A) => Effect.andThen(behind, Effect.sync(read))

  return {
    learn: (server) => inTime(askIfOld(server)),
    served: remembered(() => learnt?.served ?? allEnabled),
    facts: remembered(() => learnt?.facts ?? null),
    factsNow: Effect.gen(function* () {
      const server = yield* Effect.option(Effect.timeout(identify.now, LEARN_WITHIN_MS))
      if (server._tag === "None") return null
      const { started } = server.value
      const asked = yield* monotonicMillis
      yield* inTime(ask(server.value))
      if (learnt?.started !== started) return null
      const oldest = started === STARTED_UNKNOWN ? asked : asked - FACTS_VALID_MS
      return learnt.at >= oldest ? learnt.facts : null
    })
  }
})
