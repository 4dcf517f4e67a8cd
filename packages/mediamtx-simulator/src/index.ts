/**
 * A simulated MediaMTX: `SimulatorHttp.make()` serves a control API and asks an auth server, `Simulator` is the same without HTTP, whose
 * control API `answerRequests` calls in this process, `World` its pure core.
 */
import "./effectOfSimulator.ts"

export type { AuthQuestion, Credentials } from "./AuthQuestion.ts"
export { answerRequests } from "./answerRequests.ts"
export type { Fault } from "./Fault.ts"
export type { Hook, HookOptions } from "./Hooks.ts"
export type { SimulatorRequest } from "./handleRequests.ts"
export type { ClientOptions, Connected, Publisher, PublishOptions } from "./Publisher.ts"
export * as Simulator from "./Simulator.ts"
export * as SimulatorApi from "./SimulatorApi.ts"
export * as SimulatorHttp from "./SimulatorHttp.ts"
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
