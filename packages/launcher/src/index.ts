/**
 * The native processes that the service starts when no database or media server is configured: a private PostgreSQL and a MediaMTX.
 * Each is a scoped layer, whose processes stop with the scope and with this process. They are independent of each other.
 */
import "./effectOfLauncher.ts"

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
