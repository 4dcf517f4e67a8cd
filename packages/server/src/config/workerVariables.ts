/**
 * `WORKER_USER`, the account that media workers run as, by name or by numbers, and `WORKER_COMMAND`, as the adapter reads it: once, when
 * the service starts. Whether there is such an account is asked later.
 */
import { type WorkerCommand as Command, defaultCommand, parseCommand } from "@greenroom/adapters/worker"
import { Result, Schema, SchemaTransformation } from "effect"

export type Account =
  | { readonly _tag: "Named"; readonly name: string }
  | { readonly _tag: "Numbered"; readonly uid: number; readonly gid: number }

const sentence = "expected the name of a user, a user's number, or numbers of user and group such as 1001:1001"

/** The next number, 2^32 - 1, means "unchanged" to the operating system. */
const MAX_ID = 2 ** 32 - 2

const parse = (text: string): Account | undefined => {
  if (/^[A-Za-z_][\w.-]{0,31}\$?$/.test(text)) return { _tag: "Named", name: text }
  const [, user, group = user] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? []
  const [uid, gid] = [Number(user), Number(group)]
  return uid <= MAX_ID && gid <= MAX_ID ? { _tag: "Numbered", uid, gid } : undefined
}

const Accounts = Schema.Union([
  Schema.TaggedStruct("Named", { name: Schema.String }),
  Schema.TaggedStruct("Numbered", { uid: Schema.Finite, gid: Schema.Finite })
])

export const WorkerUser = Schema.String.check(Schema.makeFilter((text) => parse(text) !== undefined || sentence)).pipe(
  Schema.decodeTo(
    Accounts,
    SchemaTransformation.transform({
      decode: (text: string): Account => parse(text) ?? { _tag: "Named", name: text },
      encode: (account: Account) => (account._tag === "Named" ? account.name : `${account.uid}:${account.gid}`)
    })
  )
)

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
