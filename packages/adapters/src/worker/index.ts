/** The media worker that runs a command: `CommandWorker.layer({ command })`, with `parseCommand` for its configuration. */
export * as CommandWorker from "./CommandWorker.ts"
export { defaultCommand, parseCommand, placeholders, type WorkerCommand } from "./WorkerCommand.ts"
