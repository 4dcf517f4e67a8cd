/** The simulator over HTTP. It needs `@effect/platform-node`, an optional peer, which nothing else here loads. */
import "./effectOfSimulator.ts"

export type { SimulatorRequest } from "./handleRequests.ts"
export * as SimulatorHttp from "./SimulatorHttp.ts"
