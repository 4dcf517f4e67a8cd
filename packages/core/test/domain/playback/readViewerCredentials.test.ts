/** Where each player puts a token, as MediaMTX passes it on, and whose the client says the session is. */
import { assert, describe, it } from "@effect/vitest"
import { type AuthCall, readAuthCall } from "@greenroom/core"
import { Redacted } from "effect"
import { cases, element } from "../../support/arbitraries.ts"
import { ID, OTHER_ID } from "../../support/playback.ts"

const TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJl"
const secret = (text: string | undefined) => (text === undefined ? undefined : Redacted.make(text))

type Sent = { readonly [name in "user" | "password" | "token" | "query"]?: string }
const found = (sent: Sent, protocol = "hls") => {
  const call: AuthCall = {
    action: "read",
    path: "live/a",
    protocol,
    id: "c1",
    user: secret(sent.user),
    password: secret(sent.password),
    token: secret(sent.token),
    query: secret(sent.query)
  }
  const request = readAuthCall(call)
  if (request._tag !== "View" || request.token === null) return null
  const { names } = request
  const { text, isHidden } = request.token
  assert.notInclude(String(text), TOKEN)
  return { text: Redacted.value(text), names, isHidden }
}

/** As they came from MediaMTX 1.20.1, with the player that sent them. */
const places: ReadonlyArray<readonly [player: string, sent: Sent, names: ReadonlyArray<string>, isHidden: boolean]> = [
  ["HLS in the query", { query: `token=${TOKEN}` }, [], false],
  ["HLS with a bearer", { token: TOKEN, query: `v=${ID}` }, [ID], true],
  ["WHEP with a bearer", { token: TOKEN, query: `v=${ID}` }, [ID], true],
  ["RTMP in the query", { token: TOKEN, query: `token=${TOKEN}` }, [], false],
  ["RTSP in the query", { token: TOKEN, query: `token=${TOKEN}` }, [], false],
  ["RTSP with Basic", { user: ID, password: TOKEN, token: TOKEN }, [ID], true],
  ["SRT", { user: ID, password: TOKEN, token: TOKEN }, [ID], true],
  ["a WHEP bearer of MediaMTX 1.12.2", { query: `jwt=${TOKEN}&v=${ID}` }, [ID], false],
  ["two names", { user: OTHER_ID, password: TOKEN, query: `v=${ID}` }, [OTHER_ID, ID], true]
]

describe("readViewerCredentials", () => {
  for (const [player, sent, names, isHidden] of places) {
    it(`finds it: ${player}`, () => assert.deepStrictEqual(found(sent), { text: TOKEN, names, isHidden }))
  }

  it.prop(
    "takes nothing else for a token",
    [
      element([
        "",
        "secret",
        `sk_${"x".repeat(43)}`,
        `gr_${"x".repeat(43)}`,
        "a.b",
        "a.b.c.d",
        "a b.c.d",
        "..",
        "pass.word"
      ]),
      element(["user", "password", "token", "query"] as const)
    ],
    ([text, name]) => assert.isNull(found({ [name]: name === "query" ? `token=${encodeURIComponent(text)}` : text })),
    cases(100)
  )
})
