/** Where a credential is found, wherever it was put, and that never more of a key is shown than its beginning. */
import { assert, describe, it } from "@effect/vitest"
import { type AuthCall, readAuthCall } from "@greenroom/core"
import { authCalls } from "@greenroom/testing/arbitraries"
import { Redacted } from "effect"
import { findCredential } from "../../src/domain/access/findCredential.ts"
import { cases, element, keyValues } from "../support/arbitraries.ts"

const call = (fields: Readonly<Record<string, string>>): AuthCall => {
  const secret = (name: string) => (fields[name] === undefined ? undefined : Redacted.make(fields[name]))
  return {
    action: "publish",
    path: fields.path ?? "live/a",
    protocol: "rtmp",
    id: "one",
    user: secret("user"),
    password: secret("password"),
    token: secret("token"),
    query: secret("query")
  }
}

describe("findCredential", () => {
  it.prop(
    "finds a key in each place, whole or cut, alone or with something round it, percent-encoded or not",
    [
      keyValues,
      element(["password", "token", "user", "query", "path"]),
      element([46, 20, 7]),
      element([
        (key: string) => key,
        (key: string) => `x=1&note=${key}`,
        (key: string) => ` ${key} `,
        (key: string) => key.replace("_", "%5F"),
        (key: string) => `live/${key}/in`
      ])
    ],
    ([key, place, length, dressed]) => {
      const found = findCredential(call({ [place]: dressed(key.slice(0, length)) }))
      assert.deepStrictEqual(found, { foundIn: place as typeof found.foundIn, keyPrefix: key.slice(0, 7) })
    },
    cases(500)
  )

  it.each([
    [{}, null],
    [{ password: "", token: "", query: "user=me" }, null],
    [{ password: "hunter2" }, "password"],
    [{ token: "eyJhbGciOi" }, "token"],
    [{ query: "pass=hunter2" }, "query"],
    [{ user: "obs" }, null]
  ])("what is no key has a place and no beginning: %j", (fields, foundIn) => {
    assert.deepStrictEqual(findCredential(call(fields as Record<string, string>)), {
      foundIn: foundIn as "password" | null,
      keyPrefix: null
    })
  })

  it.prop(
    "the key that counts is the one that is shown",
    [authCalls],
    ([asked]) => {
      const read = readAuthCall(asked)
      if (read._tag !== "Publish" || read.key === null) return
      const text = Redacted.value(read.key)
      if (/^sk_[\w-]{43}$/.test(text)) assert.strictEqual(findCredential(asked).keyPrefix, text.slice(0, 7))
    },
    cases(1_000)
  )
})
