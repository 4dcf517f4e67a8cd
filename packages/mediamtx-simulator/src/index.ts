/**
 * A simulated MediaMTX in this process: `Simulator`, whose control API `answerRequests` calls; `World` is its pure core. Over HTTP:
 * `@greenroom/mediamtx-simulator/http`.
 */
import "./effectOfSimulator.ts"

export {
  type AuthQuestion,
  type Client,
  type Credentials,
  queryOf,
  questionsOf,
  setupQuestionOf
} from "./AuthQuestion.ts"
export { answerRequests } from "./answerRequests.ts"
export type { Fault } from "./Fault.ts"
export type { Hook, HookOptions } from "./Hooks.ts"
export type { ClientOptions, Connected, Publisher, PublishOptions, Reader, ReadOptions } from "./Publisher.ts"
export * as Simulator from "./Simulator.ts"
export * as SimulatorApi from "./SimulatorApi.ts"
export {
  connectionListNames,
  defaultVersion,
  factsOf,
  isAtLeast,
  listNames,
  type Names,
  type Version,
  type VersionFacts
} from "./versions.ts"
export * as World from "./World.ts"
