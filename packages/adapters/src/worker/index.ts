<<<<<<< HEAD
/** The media worker that runs a command: `CommandWorker.layer({ command })`. `parseCommand` reads a command from text. */
=======
/** The media worker that runs a command: `CommandWorker.layer({ command })`, with `parseCommand` for its configuration. */
>>>>>>> house-C
export * as CommandWorker from "./CommandWorker.ts"
export { defaultCommand, parseCommand, placeholders, type WorkerCommand } from "./parseWorkerCommand.ts"
