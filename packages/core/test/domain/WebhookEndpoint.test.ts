/** Which URLs a webhook endpoint may have, as far as their text shows it. */
import { assert, describe, it } from "@effect/vitest"
import { WEBHOOK_URL_MAX_LENGTH, WebhookUrl } from "@greenroom/core"
import { Exit, Schema, SchemaIssue } from "effect"

const decode = Schema.decodeUnknownExit(WebhookUrl)
const format = SchemaIssue.makeFormatterStandardSchemaV1()

const faultOf = (text: unknown): string | null => {
  const exit = decode(text)
  if (Exit.isSuccess(exit)) return null
  const [reason] = exit.cause.reasons
  return reason?._tag === "Fail" ? format(reason.error.issue).issues[0]!.message : "a defect"
}

const longest = `https://example.com/${"a".repeat(WEBHOOK_URL_MAX_LENGTH - 20)}`

describe("the URL of a webhook endpoint", () => {
  it.each([
    "https://example.com",
    "http://example.com:8080/hooks?token=1@2",
    "HTTPS://EXAMPLE.COM/a@b",
    "https://[2001:db8::1]/hooks",
    "https://xn--bcher-kva.example/",
    "https://example.com/%C3%A9",
    longest
  ])("may be %s", (text) => assert.isNull(faultOf(text)))

  it.each([
    ["", /begins with https/],
    ["example.com/hooks", /begins with https/],
    ["ftp://example.com", /begins with https/],
    ["javascript:alert(1)", /begins with https/],
    ["https://", /a URL, such as/],
    ["https://exa mple.com", /ASCII without spaces/],
    ["https://example.com/\n", /ASCII without spaces/],
    ["https://bücher.example", /ASCII/],
    ["https://me:secret@example.com", /user name and a password/],
    ["https://me@example.com", /user name and a password/],
    ["https://@example.com", /user name and a password/],
    ["https://:@example.com", /user name and a password/],
    ["https://example.com/hooks#here", /without a fragment/],
    ["https://example.com/hooks#", /without a fragment/],
    ["https://example.com:99999", /a URL, such as/],
    [`${longest}a`, /at most 2048 characters/]
  ])("is not %s", (text, message) => assert.match(faultOf(text) ?? "accepted", message))

  it("is a text", () => assert.isNotNull(faultOf(7)))
})
