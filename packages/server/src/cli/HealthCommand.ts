/** `greenroom health`: is it well? Needs no secret; scripts use the exit code. */
import { Effect } from "effect"
import * as Command from "effect/cli/Command"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { described } from "./flags.ts"
import { fields, NOTHING } from "./format.ts"
import { print } from "./output.ts"

/** Unauthorized publishers that were left; unknown without a fresh look. */
const count = (unauthorized: number | null) =>
  unauthorized === null ? NOTHING : `${unauthorized} publishers left on the air`

export const healthCommand = Command.make(
  "health",
  {},
  Effect.fnUntraced(function* () {
    const { value, wire } = yield* call(({ system }) => system.health({ responseMode: both }))
    yield* print(wire, () =>
      fields([
        ["status", value.status],
        ["database", value.database],
        ["media server", value.media_server],
        ["unauthorized", count(value.unauthorized_publishers)],
        ...value.warnings.map(({ detail }, index) => [index === 0 ? "warnings" : "", detail] as const)
      ])
    )
    if (value.database === "unreachable") {
      return yield* failed("tryAgain", "The database is unreachable: no new publisher is admitted until it is back.")
    }
  })
).pipe(
  described(
    "Is the service well? Needs no secret; exits with 75 when the database is unreachable",
    ["greenroom health"],
    ["greenroom health --json | jq -r .media_server", "ok, unreachable or absent"]
  )
)
