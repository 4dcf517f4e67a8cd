/** `greenroom auth …`: why an encoder cannot connect, and what was answered to auth calls. */
import { BroadcasterId, decisionOutcomes, KEY_PREFIX_LENGTH, StreamKeyId, Timestamp } from "@greenroom/core"
import { Effect, Option, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { NewAuthCheck } from "../http/api/authCheckSchemas.ts"
import { decisionReasons } from "../http/api/authDecisionSchemas.ts"
import { commaSeparated } from "../http/api/Input.ts"
import { both, call } from "./ApiClient.ts"
import { checkText, decisionRows } from "./authText.ts"
import { failed } from "./CommandFailed.ts"
import { checkedFlag, described, flag, given, limit } from "./flags.ts"
import { followDecisions } from "./followDecisions.ts"
import { endless } from "./Interruption.ts"
import { printAnswer, printList, readerGone } from "./output.ts"
import { inputLines, questionOf } from "./readSetting.ts"

type Question = typeof NewAuthCheck.Type

const ONE_WAY =
  "Expected a URL, an SRT stream id, or - to read it from standard input; or --key <id> with --path <path>."

const setting = Argument.String("setting").pipe(
  Argument.withDescription(
    "What the encoder is given: a URL, OBS's server, an SRT stream id; - reads it from standard input"
  ),
  Argument.optional
)

const secretFlag = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

interface Given {
  readonly setting: Option.Option<string>
  readonly second: Option.Option<string>
  readonly key: Option.Option<StreamKeyId>
  readonly path: Option.Option<string>
}

const readQuestion = Effect.fnUntraced(function* ({ setting, second, key, path }: Given) {
  if (Option.isSome(key) && Option.isSome(path) && Option.isNone(setting)) {
    const question: Question = { stream_key_id: key.value, path: path.value }
    return question
  }
  if (Option.isNone(setting) || Option.isSome(key) || Option.isSome(path)) return yield* failed("usage", ONE_WAY)
  if (setting.value !== "-") return questionOf(setting.value, Option.getOrNull(second))
  const [first, next] = yield* inputLines
  return first === undefined ? yield* failed("usage", ONE_WAY) : questionOf(first, next ?? Option.getOrNull(second))
})

const check = Command.make(
  "check",
  {
    setting,
    streamKey: secretFlag("stream-key", "<key>", "OBS: its stream key, where the setting is its server"),
    bearer: secretFlag("bearer", "<token>", "WHIP: the bearer token, where the setting is its URL"),
    key: checkedFlag("key", "<id>", StreamKeyId, "The id of a stream key, in place of a setting"),
    path: checkedFlag("path", "<path>", Schema.String, "With --key: the path to publish on")
  },
  Effect.fnUntraced(function* ({ streamKey, bearer, ...rest }) {
    const payload = yield* readQuestion({ ...rest, second: Option.orElse(streamKey, () => bearer) })
    yield* printAnswer(
      call((greenroom) => greenroom.auth_decisions.check({ payload, responseMode: both })),
      checkText
    )
  })
).pipe(
  described(
    "Why can my encoder not connect? What /auth would answer to it, check by check, and what to do. Nothing happens by it. A key in an argument stays in the shell's history: give - and paste it, then Ctrl-D",
    ["greenroom auth check -", "Reads the URL, and in a second line OBS's stream key or WHIP's bearer token"],
    ["greenroom auth check --key <id> --path live/studio-1", "Without the key itself"],
    ["greenroom auth check 'rtmp://host/live/studio-1?user=any&pass=…'"],
    ["greenroom auth check 'publish:live/studio-1:any:…'", "An SRT stream id"]
  ),
  Command.withShortDescription("Why can my encoder not connect?")
)

const filter = {
  path: checkedFlag("path", "<path>", Schema.String, "Only decisions on this path"),
  keyPrefix: checkedFlag(
    "key-prefix",
    "<prefix>",
    Schema.String.check(
      Schema.isPattern(/^sk_[0-9A-Za-z_-]{4}$/u, {
        message: `Expected the first ${KEY_PREFIX_LENGTH} characters of a key`
      })
    ),
    "Only decisions about a key that begins so, such as sk_EXAM"
  ),
  reason: checkedFlag(
    "reason",
    "<words>",
    commaSeparated(decisionReasons, ""),
    "Only these reasons, separated by commas"
  ),
  outcome: checkedFlag(
    "outcome",
    "<words>",
    commaSeparated(decisionOutcomes, ""),
    `Only these outcomes, separated by commas: ${decisionOutcomes.join(", ")}`
  ),
  ip: checkedFlag("ip", "<address>", Schema.String, "Only clients with this address"),
  since: checkedFlag("since", "<time>", Timestamp, "Only decisions at this time or later"),
  broadcasterId: checkedFlag("broadcaster", "<id>", BroadcasterId, "Only decisions about keys of this broadcaster")
}

const decisions = Command.make(
  "decisions",
  { ...filter, follow: flag("follow", "Show decisions as they come, until Ctrl-C"), limit },
  Effect.fnUntraced(function* ({ limit, follow, ...chosen }) {
    const query = given(chosen)
    if (follow) return yield* Effect.raceFirst(endless(followDecisions(query)), readerGone)
    yield* printList(
      "auth_decisions",
      limit,
      (page) => call(({ auth_decisions }) => auth_decisions.list({ query: { ...query, ...page }, responseMode: both })),
      { empty: () => "No decision matches.", table: decisionRows, most: 100 }
    )
  })
).pipe(
  described(
    "List what was answered to auth calls, newest first",
    ["greenroom auth decisions --outcome refuse", "Who was refused lately, and why"],
    ["greenroom auth decisions --key-prefix sk_EXAM"],
    ["greenroom auth decisions --path live/studio-1 --follow", "As it happens"],
    ["greenroom auth decisions --json | jq -r '.auth_decisions[].remedy'", "What to do about each"]
  ),
  Command.withShortDescription("List what was answered to auth calls")
)

export const authCommand = Command.make("auth").pipe(
  described("Why an encoder cannot connect", ["greenroom auth check -"], ["greenroom auth decisions --outcome refuse"]),
  Command.withSubcommands([check, decisions])
)
