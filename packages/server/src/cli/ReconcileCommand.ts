/** `greenroom reconcile`: look at the media server now, and, when told so, rid it of everybody whom nobody admitted. */
import { Effect } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { Reconciliation } from "../http/api/ReconcileApi.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { fields, moment, NOTHING } from "./format.ts"
import { print } from "./output.ts"
import { program } from "./program.ts"

const number = (count: number | null) => (count === null ? NOTHING : String(count))

const verdict = ({ heldBack, reported, unauthorized, kicked }: typeof Reconciliation.Type): string => {
  if (heldBack !== null && heldBack > 0) {
    return `${heldBack} publishers that nobody admitted are held back, because more than MASS_KICK_LIMIT were there at once: ${program} reconcile --enforce kicks them.`
  }
  if (reported !== null && reported > 0) {
    return `${reported} publishers that nobody admitted stay on the air: UNAUTHORIZED_PUBLISHERS is report.`
  }
  if (unauthorized !== null && unauthorized > 0)
    return `${unauthorized} publishers that nobody admitted have yet to go.`
  return kicked !== null && kicked > 0
    ? "Everybody who publishes was admitted; the others have been kicked."
    : "Everybody who publishes was admitted."
}

export const reconcileCommand = Command.make(
  "reconcile",
  {
    enforce: Flag.Boolean("enforce").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Kick publishers that nobody admitted, even when they are more than MASS_KICK_LIMIT"),
      Flag.withDefault(false)
    )
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
      const standing = enforce ? "; the wish stands for 30 s" : ""
      return yield* failed("tryAgain", `The media server could not be looked at within 4 s${standing}.`)
    }
  })
).pipe(
  Command.withDescription(
    "Look at the media server now and say who publishes there whom nobody admitted; exits with 75 when it cannot be looked at"
  ),
  Command.withShortDescription("Look now: who publishes whom nobody admitted?"),
  Command.withExamples([
    { command: "greenroom reconcile", description: "Look, and tell" },
    { command: "greenroom reconcile --enforce", description: "And kick them, however many they are" }
  ])
)
