/** Programs of the core that run for one of the host's users. */
import { type BroadcasterId, CurrentCaller, noOrigin } from "@greenroom/core"
import { Effect } from "effect"
import { fieldsOf, unchecked } from "./argumentForms.ts"
import { invalidArgument } from "./GreenroomError.ts"
import type { Run } from "./run.ts"

export interface ActingAs {
  /** Whom the audit log names: 1 to 255 characters. */
  readonly name: string
  /** Only things of the broadcaster with this id of Greenroom's exist for the actor. */
  readonly broadcasterId?: string | undefined
  /** Where the request came from, for the audit log. */
  readonly address?: string | undefined
  readonly userAgent?: string | undefined
  readonly requestId?: string | undefined
}

const NAME_MAX = 255
const TEXT_MAX = 1_000

const textOf = (name: string, text: unknown): string | null => {
  if (text === undefined) return null
  if (typeof text !== "string" || text.length > TEXT_MAX || text.includes("\u0000"))
    throw invalidArgument(`actor.${name}`, `expected a text of at most ${TEXT_MAX} characters`)
  return text
}

/** Runs each program as the actor. Throws `invalid_argument`. */
export const runAsActor = (run: Run, actor: ActingAs): Run => {
  const { name, broadcasterId, ...origin } = fieldsOf("actor", actor)
  if (typeof name !== "string" || name === "" || name.length > NAME_MAX || name.includes("\u0000"))
    throw invalidArgument("actor.name", `expected a text of 1 to ${NAME_MAX} characters`)
  if (broadcasterId !== undefined && typeof broadcasterId !== "string")
    throw invalidArgument("actor.broadcasterId", "expected the id of a broadcaster")
  const caller = {
    actor: { _tag: "Application", name },
    scopes: ["admin"],
    only: broadcasterId === undefined ? null : unchecked<BroadcasterId>(broadcasterId.toLowerCase()),
    origin: {
      ...noOrigin,
      address: textOf("address", origin.address),
      userAgent: textOf("userAgent", origin.userAgent),
      requestId: textOf("requestId", origin.requestId)
    }
  } as const
  return (program) => run(Effect.provideService(program, CurrentCaller, caller))
}
