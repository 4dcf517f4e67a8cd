/** `WORKER_COMMAND` as the adapter reads it: once, when the service starts. */
import { type WorkerCommand as Command, defaultCommand, parseCommand } from "@greenroom/adapters/worker"
import { Result, Schema, SchemaTransformation } from "effect"

const isCommand = Schema.declare((value: unknown): value is Command => Array.isArray(value) && value.length > 0)

export const WorkerCommand = Schema.String.check(
  Schema.makeFilter((text) => Result.match(parseCommand(text), { onSuccess: () => undefined, onFailure: (why) => why }))
).pipe(
  Schema.decodeTo(
    isCommand,
    SchemaTransformation.transform({
      decode: (text: string): Command => Result.getOrElse(parseCommand(text), () => defaultCommand),
      encode: (command: Command) => JSON.stringify(command)
    })
  )
)
