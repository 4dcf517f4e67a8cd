/**
 * Every port in this process's memory, for embedding and for tests: `layer` has all repositories over one new store. No module here
 * loads a database client.
 */
import "../effectOfAdapters.ts"

export { StoreHealth } from "@greenroom/core"
export * as MemoryAdmissions from "./MemoryAdmissions.ts"
export * as MemoryBroadcasters from "./MemoryBroadcasters.ts"
export * as MemoryLeases from "./MemoryLeases.ts"
export * as MemoryMediaServer from "./MemoryMediaServer.ts"
export * as MemoryMediaWorker from "./MemoryMediaWorker.ts"
export { layer, layerRepositories } from "./MemoryRepositories.ts"
export * as MemorySessions from "./MemorySessions.ts"
export * as MemoryStore from "./MemoryStore.ts"
export * as MemoryStreamKeys from "./MemoryStreamKeys.ts"
export * as MemoryStreams from "./MemoryStreams.ts"
export * as MemoryWorkers from "./MemoryWorkers.ts"
