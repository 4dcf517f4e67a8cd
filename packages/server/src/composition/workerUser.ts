/**
 * Which user media workers run as. A worker reads what strangers send, so it should not be able to read what Greenroom keeps: the
 * environment of its process, its secrets, its database. Another user cannot. Only root may start a process as another user;
 * otherwise a worker runs as Greenroom itself does, and can read all of it.
 */
import { type ChildProcessGroup, databaseUser, runCommand } from "@greenroom/launcher"
import { Context, Effect, Layer, Option, Result } from "effect"
import { Settings } from "../config/Settings.ts"
import { misconfigured } from "../config/StartFailed.ts"
import type { Account } from "../config/workerVariables.ts"

/**
 * As root, when none is configured. It needs no entry in /etc/passwd. The numbers from 65520 to 65533 are given to no account by
 * systemd and Debian, and are there in a container whose users are mapped. The embedded database takes 65526.
 */
export const DEFAULT_WORKER_USER: ChildProcessGroup.RunAs = { uid: 65527, gid: 65527 }

const unusable = (detail: string) =>
  misconfigured(`Media workers cannot run as the user that WORKER_USER names: ${detail}`)

export type Choice =
  | { readonly _tag: "Another"; readonly as: ChildProcessGroup.RunAs }
  /** `asked`: the configuration names our own user, so there is nothing to warn of. */
  | { readonly _tag: "Ours"; readonly asked: boolean }

/** `own` is the number of our user; a sentence when there is no choice. */
export const chooseWorkerUser = (
  asked: ChildProcessGroup.RunAs | undefined,
  own: number | undefined
): Result.Result<Choice, string> => {
  if (asked === undefined) {
    return Result.succeed(own === 0 ? { _tag: "Another", as: DEFAULT_WORKER_USER } : { _tag: "Ours", asked: false })
  }
  if (own === 0 && asked.uid === databaseUser) return Result.fail(`${databaseUser} is the embedded database's`)
  if (asked.uid === own) return Result.succeed({ _tag: "Ours", asked: true })
  if (own === 0) return Result.succeed({ _tag: "Another", as: asked })
  return Result.fail(`Greenroom runs as user ${own}, and only root may start a process as another user`)
}

const idOf = Effect.fnUntraced(
  function* (kind: "-u" | "-g", name: string) {
    const finished = yield* runCommand({ command: "id", args: [kind, name], deadline: "10 seconds" })
    const number = Option.filter(finished, ({ exit, output }) => exit.code === 0 && /^\d+$/.test(output))
    if (Option.isSome(number)) return Number(number.value.output)
    return yield* unusable(`there is no user ${name}`)
  },
  Effect.catchTag("SpawnFailed", ({ detail }) => unusable(detail))
)

/** Asked of the operating system, which may know more accounts than /etc/passwd. */
const resolve = (account: Account) =>
  account._tag === "Numbered"
    ? Effect.succeed({ uid: account.uid, gid: account.gid })
    : Effect.all({ uid: idOf("-u", account.name), gid: idOf("-g", account.name) })

export class WorkerUser extends Context.Service<WorkerUser, Choice>()("greenroom/WorkerUser") {
  /** While workers are off no account is looked up and none is refused. */
  static readonly layer = Layer.effect(
    WorkerUser,
    Effect.gen(function* () {
      const { WORKERS, WORKER_USER } = yield* Settings
      if (WORKERS !== "on") return { _tag: "Ours", asked: false } as const
      const asked = WORKER_USER === undefined ? undefined : yield* resolve(WORKER_USER)
      return yield* Result.match(chooseWorkerUser(asked, process.getuid?.()), {
        onSuccess: Effect.succeed<Choice>,
        onFailure: (detail) => Effect.fail(unusable(detail))
      })
    })
  )
}
