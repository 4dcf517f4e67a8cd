/** `greenroom keys rotate`: a new key in the place of an old one, printed once as a created one is. */
import { StreamKeyId } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import { both, call } from "./ApiClient.ts"
import { Span, spanMillis } from "./createKey.ts"
import { checkedArgument, checkedFlag, described } from "./flags.ts"
import { ingestGuide } from "./ingestGuide.ts"
import { printAnswer } from "./output.ts"

const EXAMPLE = "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11"

const flags = {
  id: checkedArgument("id", StreamKeyId, "The old key's id; not the key itself"),
  overlap: checkedFlag(
    "overlap",
    "<span>",
    Span,
    "How long the old key keeps publishing: 10m, 12h, at most 7d; else not at all"
  )
}

const ofOldKey = (id: StreamKeyId, overlap: Option.Option<string>): string =>
  Option.match(overlap, {
    onNone: () => `The old key ${id} is revoked, and its stream ends.`,
    onSome: (span) =>
      `The old key ${id} keeps publishing for ${span}. An encoder with the new key takes over from it at any time.`
  })

export const rotateKey = Command.make(
  "rotate",
  flags,
  Effect.fnUntraced(function* ({ id, overlap }) {
    const payload = Option.isNone(overlap) ? {} : { overlapSeconds: spanMillis(overlap.value) / 1_000 }
    yield* printAnswer(
      call(({ stream_keys }) => stream_keys.rotate({ params: { id }, payload, responseMode: both })),
      ({ body }) => `${ofOldKey(id, overlap)}\n\n${ingestGuide(body)}`
    )
  })
).pipe(
  described(
    "Give a stream key a new value, for the same broadcaster, label, path and expiry; it is shown this once",
    [`greenroom keys rotate ${EXAMPLE}`, "The old key is revoked at once"],
    [`greenroom keys rotate ${EXAMPLE} --overlap 12h`, "The old key keeps publishing for 12 hours"]
  )
)
