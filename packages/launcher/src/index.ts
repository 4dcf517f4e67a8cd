/**
 * What the service starts when it was given nothing: a private PostgreSQL, and a MediaMTX. Each is a scoped layer over native
 * processes that stop with the scope and with this process. They do not know one another; the server composes them.
 */

export * as ChildProcessGroup from "./ChildProcessGroup.ts"
export * as DirectoryLock from "./DirectoryLock.ts"
export * as EmbeddedMediaMtx from "./EmbeddedMediaMtx.ts"
export * as EmbeddedPostgres from "./EmbeddedPostgres.ts"
export { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
export * as MediaMtxBinary from "./MediaMtxBinary.ts"
export { MediaMtxUnavailable, mediaMtxVersion } from "./MediaMtxUnavailable.ts"
export { makeFolders } from "./makePrivateDirectory.ts"
export { defaultPorts, mediaMtxUrls, type Ports } from "./mediaMtxConfig.ts"
export { databaseUser } from "./PostgresDirectory.ts"
export { runCommand } from "./runCommand.ts"
