/** The media worker that runs a command: `CommandWorker.layer({ command })`. `parseCommand` reads a command from text. */
import "../effectOfAdapters.ts"

export * as CommandWorker from "./CommandWorker.ts"
export { defaultCommand, parseCommand, placeholders, type WorkerCommand } from "./parseWorkerCommand.ts"
