/** The media worker that runs a command: `CommandWorker.layer({ command })`, with `parseCommand` for what somebody has typed. */
export * as CommandWorker from "./CommandWorker.ts"
export { defaultCommand, parseCommand, placeholders, type WorkerCommand } from "./WorkerCommand.ts"
