/** `greenroom keys create`: the only command that ever prints a key. */
import { BroadcasterId, Label, NewPathLimit, Timestamp } from "@greenroom/core"
import { DateTime, Effect, Option, Schema } from "effect"
import * as Command from "effect/cli/Command"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { encoderOf } from "./encoders.ts"
import { checkedFlag, described, flag, given, Json, playback, requiredFlag } from "./flags.ts"
import { encoderFlag, encoderGuide, ingestGuide } from "./ingestGuide.ts"
import { printAnswer, screenOfOutput } from "./output.ts"

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const FROM_NOW = /^(\d{1,6})([mhd])$/

/** Minutes, hours or days. */
export const Span = Schema.String.check(
  Schema.isPattern(FROM_NOW, { message: "Expected minutes, hours or days, such as 90m, 12h or 30d" })
)

export const spanMillis = (span: string): number => {
  const [, count = "0", unit = "m"] = FROM_NOW.exec(span) ?? []
  return Number(count) * UNITS[unit as keyof typeof UNITS]
}

/** Two flags for one thing, of which at most one may be given. */
const exclude = (one: string, other: string, areBoth: boolean, why = "") =>
  areBoth ? Effect.fail(failed("usage", `Give either ${one} or ${other}, not both${why}.`)) : Effect.void

const flags = {
  broadcaster: requiredFlag("broadcaster", "<id>", BroadcasterId, "Whose key it is (required)"),
  label: checkedFlag("label", "<text>", Label, "What it is for; the title of its streams"),
  path: checkedFlag(
    "path",
    "<path>",
    NewPathLimit,
    "The one path that it may publish on, or live/* (one more segment), live/** (any depth); else a path of its own"
  ),
  anyPath: flag("any-path", "Let it publish on every path that is not another broadcaster's"),
  playback,
  expiresAt: checkedFlag("expires-at", "<date>", Timestamp, "When it expires: 2027-01-31T18:00:00Z"),
  expiresIn: checkedFlag("expires-in", "<span>", Span, "When it expires, from now: 90m, 12h, 30d"),
  encoder: encoderFlag("What to type into this one alone, with a QR code for phones; not with --json")
}

const BROADCASTER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

export const createKey = Command.make(
  "create",
  flags,
  Effect.fnUntraced(function* ({ broadcaster, label, path, anyPath, playback, expiresAt, expiresIn, encoder }) {
    const json = yield* Json
    yield* exclude("--encoder", "--json", Option.isSome(encoder) && json, ": the JSON has what every encoder needs")
    yield* exclude("--expires-at", "--expires-in", Option.isSome(expiresAt) && Option.isSome(expiresIn))
    yield* exclude("--path", "--any-path", Option.isSome(path) && anyPath)
    const now = yield* DateTime.now
    const inSpan = Option.map(expiresIn, (span) => DateTime.add(now, { milliseconds: spanMillis(span) }))
    const payload = {
      broadcasterId: broadcaster,
      ...given({ label, path, playback, expiresAt: Option.orElse(expiresAt, () => inSpan) }),
      ...(anyPath ? { path: null } : {})
    }
    const screen = yield* screenOfOutput
    yield* printAnswer(
      call(({ stream_keys }) => stream_keys.issue({ payload, responseMode: both })),
      ({ body }) => (Option.isNone(encoder) ? ingestGuide(body) : encoderGuide(encoderOf(encoder.value), body, screen))
    )
  })
).pipe(
  described(
    "Create a stream key and show what to type into an encoder; the key is shown this once",
    [`greenroom keys create --broadcaster ${BROADCASTER} --label "Main camera"`],
    [
      `greenroom keys create --broadcaster ${BROADCASTER} --path live/studio-1 --expires-in 30d`,
      "For one path, and for a month"
    ],
    [
      `greenroom keys create --broadcaster ${BROADCASTER} --encoder larix`,
      "What to type into Larix on a phone, and a QR code for it"
    ],
    [`greenroom keys create --broadcaster ${BROADCASTER} --json | jq -r .key_value`, "The key alone, for a script"]
  )
)
