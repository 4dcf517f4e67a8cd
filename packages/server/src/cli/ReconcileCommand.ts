/** `greenroom reconcile`: look at the media server now, and, with `--enforce`, kick its unauthorized publishers. */
import { Effect } from "effect"
import * as Command from "effect/cli/Command"
import type { Reconciliation } from "../http/api/ReconcileApi.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { described, flag } from "./flags.ts"
import { fields, moment, NOTHING } from "./format.ts"
import { print } from "./output.ts"
import { program } from "./program.ts"

const number = (count: number | null) => (count === null ? NOTHING : String(count))

const verdict = ({ heldBack, reported, unauthorized, kicked }: typeof Reconciliation.Type): string => {
  if (heldBack !== null && heldBack > 0) {
    return `${heldBack} unauthorized publishers are held back, because more than MASS_KICK_LIMIT were there at once: ${program} reconcile --enforce kicks them.`
  }
  if (reported !== null && reported > 0) {
    return `${reported} unauthorized publishers stay on the air: UNAUTHORIZED_PUBLISHERS is report.`
  }
  if (unauthorized !== null && unauthorized > 0) return `${unauthorized} unauthorized publishers have yet to go.`
  return kicked !== null && kicked > 0
    ? "Every publisher was admitted; the others have been kicked."
    : "Every publisher was admitted."
}

export const reconcileCommand = Command.make(
  "reconcile",
  {
    enforce: flag("enforce", "Kick unauthorized publishers, even when they are more than MASS_KICK_LIMIT")
  },
  Effect.fnUntraced(function* ({ enforce }) {
    const { value, wire } = yield* call(({ reconcile }) => reconcile.now({ payload: { enforce }, responseMode: both }))
    yield* print(wire, (now) => {
      const counts = fields([
        ["looked", moment(value.lookedAt, now)],
        ["publishers", number(value.publishers)],
        ["not admitted", number(value.unauthorized)],
        ["kicked", number(value.kicked)],
        ["held back", number(value.heldBack)],
        ["only reported", number(value.reported)]
      ])
      return value.fresh ? `${counts}\n\n${verdict(value)}` : counts
    })
    if (!value.fresh) {
      const still = enforce ? "; enforcement stays requested for 30 s" : ""
      return yield* failed("tryAgain", `The media server could not be looked at within 4 s${still}.`)
    }
  })
).pipe(
  described(
    "Look at the media server now and show its unauthorized publishers; exits with 75 when it cannot be looked at",
    ["greenroom reconcile", "Look, and show what is there"],
    ["greenroom reconcile --enforce", "And kick them, however many they are"]
  ),
  Command.withShortDescription("Look now: are there unauthorized publishers?")
)
