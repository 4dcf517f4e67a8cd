/** `gr.health()`: whether the database and the media server answer, and whether a process reconciles. */
import * as Core from "@greenroom/core"
import { Effect } from "effect"

export interface Health {
  readonly database: "ok" | "unreachable"
  readonly mediaServer: "ok" | "unreachable" | "absent"
  /** No process holds the lease, or it takes no snapshot: publishers are admitted, and none is taken off the air. */
  readonly reconciled: boolean
  readonly warnings: ReadonlyArray<string>
}

const CHECK_WITHIN = "1500 millis"
const FRESH_MS = 10_000

const NOT_RECONCILED = "no process has reconciled for ten seconds: is one running without `reconcile: false`?"

export const health = Effect.gen(function* () {
  const store = yield* Core.StoreHealth
  const mediaServer = yield* Core.MediaServer
  const reconciler = yield* Core.Reconciler
  const database = yield* store.ping.pipe(
    Effect.as("ok" as const),
    Effect.timeoutOrElse({ duration: CHECK_WITHIN, orElse: () => Effect.succeed("unreachable" as const) }),
    Effect.orElseSucceed(() => "unreachable" as const)
  )
  const snapshot = yield* reconciler.lastSnapshot
  const reconciled = snapshot !== null && snapshot.ageMillis <= FRESH_MS
  const own = yield* mediaServer.health
  const known = yield* reconciler.warnings
  const answer: Health = {
    database,
    mediaServer: own === "unreachable" && reconciled ? "ok" : own,
    reconciled,
    warnings: [...known.map(({ detail }) => detail), ...(reconciled ? [] : [NOT_RECONCILED])]
  }
  return answer
})
