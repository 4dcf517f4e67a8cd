/**
 * The simulated MediaMTX as a stage, observed by a client under test over HTTP. The times from admission to ready are shortened unless given,
 * so that a law over it takes as long as its calls.
 */
import { MediaServer } from "@greenroom/core"
import { type AuthQuestion, defaultVersion, factsOf, type Version } from "@greenroom/mediamtx-simulator"
import { SimulatorHttp } from "@greenroom/mediamtx-simulator/http"
import { Context, Effect, Layer, Redacted } from "effect"
import type { MediaServerUnderTest } from "./laws/mediaServerLaws.ts"
import {
  bringsKey,
  controlApiOf,
  type Stage,
  type StageDeadlines,
  simulatedProtocols,
  simulatedViewers,
  unhurried
} from "./Stage.ts"

export const API_PASSWORD = "the-api-secret"

/** Where a client finds the simulator's control API, and in which time its calls must end. */
export interface ControlApiAccess {
  readonly apiUrl: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
  readonly deadlines: StageDeadlines
}

export type MediaServerClient = (access: ControlApiAccess) => Layer.Layer<MediaServer>

export interface SimulatorStage extends Stage {
  readonly simulator: SimulatorHttp.SimulatorServer
}

export const makeSimulatorStage = Effect.fnUntraced(function* (
  client: MediaServerClient,
  options: { readonly simulator?: SimulatorHttp.SimulatorHttpOptions; readonly deadlines?: StageDeadlines } = {}
) {
  const facts = factsOf(options.simulator?.version ?? defaultVersion, options.simulator?.names)
  let letIn = (question: AuthQuestion) => Effect.succeed(bringsKey(question))
  const authenticate = (question: AuthQuestion) =>
    question.action === "api" ? Effect.succeed(question.password === API_PASSWORD) : letIn(question)
  const simulator = yield* SimulatorHttp.make({
    authenticate,
    readyAfter: { rtmp: 60, srt: 40, webrtc: 20 },
    denialDelay: 100,
    readTimeout: 600,
    hlsInactivity: { closeAfter: 600, checkEvery: 200 },
    off: [],
    ...options.simulator
  })
  const deadlines = options.deadlines ?? unhurried
  const access = { deadlines, apiUrl: simulator.apiUrl, user: "greenroom", password: Redacted.make(API_PASSWORD) }
  const mediaServer = Context.get(yield* Layer.build(Layer.fresh(client(access))), MediaServer)
  const stage: SimulatorStage = {
    facts,
    controlApi: controlApiOf(simulator.apiUrl, access.user, API_PASSWORD),
    preflight: (path, key) => simulator.preflight({ path, token: key }),
    simulator,
    mediaServer,
    deadlines,
    slack: 10_000,
    protocols: simulatedProtocols(facts),
    publish: ({ protocol, path, key = "key", inNoHurry = false }) =>
      Effect.map(
        simulator.publish({
          protocol,
          path,
          ...(inNoHurry ? { readyAfter: "5 seconds" } : {}),
          ...(protocol === "webrtc" || protocol === "moq" ? { token: key } : { user: "any", password: key })
        }),
        ({ authId, ...publisher }) => ({ ...publisher, id: authId })
      ),
    viewerProtocols: simulatedViewers(facts),
    read: simulator.read,
    letIn: (decide) =>
      Effect.sync(() => {
        letIn = decide
      }),
    wait: Effect.sleep,
    stop: simulator.stop,
    start: simulator.start,
    freeze: simulator.fault({ _tag: "Frozen" }),
    thaw: simulator.fault(null)
  }
  return stage
})

/** A client of MediaMTX's control API, on the simulator at a version of MediaMTX: what `mediaServerLaws` takes. */
export const onSimulator = ({
  name,
  layer,
  version = defaultVersion,
  simulator = {}
}: {
  readonly name: string
  readonly layer: MediaServerClient
  /** The release that the simulator behaves as. */
  readonly version?: Version
  readonly simulator?: Omit<SimulatorHttp.SimulatorHttpOptions, "version">
}): MediaServerUnderTest => ({
  name,
  makeStage: (deadlines) =>
    makeSimulatorStage(layer, {
      simulator: { version, ...simulator },
      ...(deadlines === undefined ? {} : { deadlines })
    }),
  clock: "real",
  canDawdle: true,
  protocols: simulatedProtocols(factsOf(version)),
  viewerProtocols: simulatedViewers(factsOf(version)),
  overHttp: true
})
