/**
 * A simulated MediaMTX: `TwinServer.make()` serves a control API and asks an auth server, `MediaWorld` is the same without HTTP
 * (with `MemoryMediaServer` over it, the media server port under a test clock), `World` its pure core.
 */
export type { AuthQuestion, Credentials } from "./AuthQuestion.ts"
export type { Fault } from "./Fault.ts"
export type { Hook, HookOptions } from "./Hooks.ts"
export * as MediaWorld from "./MediaWorld.ts"
export type { ClientOptions, Connected, Publisher, PublishOptions } from "./Publisher.ts"
export * as TwinServer from "./TwinServer.ts"
export { factsOf, type Names, type Version, type VersionFacts } from "./versions.ts"
export * as World from "./World.ts"
