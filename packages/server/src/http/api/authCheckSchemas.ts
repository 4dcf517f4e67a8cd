/** The question why an encoder cannot connect, in the forms in which people have its settings, and the answer. */
import { accessChecks, checkOutcomes, credentialPlaces, PATH_MAX_LENGTH, StreamKeyId } from "@greenroom/core"
import { isAtMost } from "@greenroom/core/internal"
import { Schema } from "effect"
import { AuthDecision, decisionExample, facts } from "./authDecisionSchemas.ts"
import { exampleIds, named, nullable, wire } from "./wire.ts"

/** Characters of a URL or a query. */
const SETTING_MAX = 8_192

const text = (max: number, description: string) =>
  Schema.optionalKey(Schema.NullOr(Schema.String.check(isAtMost(max)))).annotate({ description })
const secret = (description: string) =>
  Schema.optionalKey(Schema.NullOr(Schema.RedactedFromValue(Schema.String.check(isAtMost(SETTING_MAX))))).annotate({
    description
  })

/** Each form, with the fields that it needs and those that it may have. */
export const checkForms = [
  { needs: ["url"], may: ["bearer"] },
  { needs: ["server", "stream_key"], may: [] },
  { needs: ["streamid"], may: [] },
  { needs: ["stream_key_id", "path"], may: [] },
  {
    needs: ["action", "path"],
    may: ["protocol", "id", "ip", "user", "password", "token", "query", "userAgent"]
  }
] as const

export const FORMS_EXPECTED = `Expected the fields of one form: ${checkForms
  .map(({ needs }) => `{${needs.join(", ")}}`)
  .join(", ")}`

/** The media server's own names among them, so that its call can be sent as it is. */
export const NewAuthCheck = Schema.Struct({
  url: secret("What the encoder is given: `rtmp://…`, `rtsp://…`, `srt://…?streamid=…`, or a WHIP URL"),
  bearer: secret("With a WHIP URL: the bearer token"),
  server: secret("OBS: the server"),
  stream_key: secret("OBS: the stream key"),
  streamid: secret("SRT: the stream id"),
  stream_key_id: Schema.optionalKey(StreamKeyId),
  path: text(PATH_MAX_LENGTH, "With a key's id, or in the media server's own call"),
  action: text(64, "`publish`, `read` or `playback`: then it is the media server's own call"),
  protocol: text(64, "Of the media server's own call"),
  id: text(255, "`null`: a question without a connection, as a page asks it. Otherwise it does not matter"),
  ip: text(64, "It does not matter"),
  user: secret("Of the media server's own call"),
  password: secret("Of the media server's own call"),
  token: secret("Of the media server's own call"),
  query: secret("Of the media server's own call"),
  userAgent: text(2_048, "It does not matter")
}).annotate(
  named("NewAuthCheck", { server: "rtmp://media.example.com/live", stream_key: "studio-1?user=any&pass=sk_EXAMPLE" })
)

const result = wire({
  check: Schema.Literals(accessChecks),
  outcome: Schema.Literals(checkOutcomes),
  detail: Schema.String,
  remedy: nullable(Schema.String)
})

const credential = wire({
  foundIn: nullable(Schema.Literals(credentialPlaces)).annotate({ description: "`null`: none was sent" }),
  keyPrefix: nullable(Schema.String)
})

const parsed = wire({
  protocol: nullable(Schema.String),
  action: Schema.String,
  path: Schema.String.annotate({ description: "Without any stream key" }),
  credential
})

export const authCheckExample = {
  parsed: {
    protocol: "rtmp",
    action: "publish",
    path: "live/studio-1",
    credential: { found_in: "password", key_prefix: "sk_EXAM" }
  },
  checks: [
    { check: "protocol", outcome: "passed", detail: "Publishers over rtmp can be followed", remedy: null },
    { check: "in_use", outcome: "failed", detail: decisionExample.detail, remedy: decisionExample.remedy }
  ],
  decision: "refuse",
  reason: decisionExample.reason,
  rule: decisionExample.rule,
  detail: decisionExample.detail,
  remedy: decisionExample.remedy,
  stream_key_id: exampleIds.key,
  facts: decisionExample.facts,
  recent: [decisionExample]
}

export const AuthCheck = wire(
  {
    parsed: parsed.annotate({ description: "What the media server makes of it" }),
    checks: Schema.Array(result).annotate({ description: "One by one, in their order" }),
    decision: Schema.Literals(["allow", "refuse"]).annotate({ description: "What `/auth` would answer now" }),
    reason: nullable(Schema.String),
    rule: nullable(Schema.String),
    detail: nullable(Schema.String),
    remedy: nullable(Schema.String).annotate({ description: "What to do" }),
    streamKeyId: nullable(StreamKeyId),
    facts: nullable(facts),
    recent: Schema.Array(AuthDecision).annotate({
      description: "The last refusals on this path or of this key, newest first, at most 10"
    })
  },
  named("AuthCheck", authCheckExample)
)
