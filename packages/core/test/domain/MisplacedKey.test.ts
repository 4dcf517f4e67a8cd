/** A whole key with something round it, or in another field than the password: taken where it is the only one, refused in words else. */
import { assert, describe, it } from "@effect/vitest"
import { type AuthCall, readAuthCall } from "@greenroom/core"
import { Arbitrary, Redacted } from "effect"
import { boolean, cases, element, keyValues } from "../support/arbitraries.ts"

type Field = "user" | "password" | "token" | "query"
type Fields = { readonly [name in Field]?: string | undefined }

const read = (fields: Fields, id: string | null = "source-1") => {
  const secret = (name: Field) => (fields[name] === undefined ? undefined : Redacted.make(fields[name]))
  const call: AuthCall = {
    action: "publish",
    path: "live/s1",
    protocol: "rtmp",
    id,
    user: secret("user"),
    password: secret("password"),
    token: secret("token"),
    query: secret("query")
  }
  return readAuthCall(call)
}

const keyIn = (fields: Fields): string | null => {
  const request = read(fields)
  if (request._tag !== "Publish") return assert.fail(`${request._tag}: ${JSON.stringify(request)}`)
  return request.key === null ? null : Redacted.value(request.key)
}

const detailOf = (fields: Fields, id?: string | null): string => {
  const request = read(fields, id)
  return request._tag === "Misplaced" ? request.detail : assert.fail(`${request._tag} instead of Misplaced`)
}

const K = `sk_abcd${"x".repeat(39)}`
const OTHER = `sk_wxyz${"y".repeat(39)}`

/** What people and programs put round a key: nothing of it can be part of one. */
const before = element([
  "",
  " ",
  '"',
  "'",
  "<",
  "pass=",
  "Bearer ",
  "?",
  "&amp;pass=",
  "%20",
  "%2520",
  "\u00e9",
  "%C3%A9"
])
const after = element([
  "",
  " ",
  '"',
  "%20",
  "%2520",
  "/",
  "?x=1",
  "&pkt_size=1316",
  "%26pkt_size%3D1316",
  "\r\n",
  ";",
  "\u00e9"
])

describe("a key with something round it", () => {
  it("is taken, as it was seen", () => {
    const seen: ReadonlyArray<Fields> = [
      { password: `${K} `, query: `pass=${K}%20` },
      { password: `${K}%20` },
      { password: `"${K}"`, query: `user=x&pass=%22${K}%22` },
      { password: `${K}/`, query: `pass=${K}/` },
      { password: `${K}?x=1`, query: `pass=${K}?x=1` },
      { user: "greenroom", password: `${K}&pkt_size=1316`, token: `${K}&pkt_size=1316` },
      { query: K },
      { user: K, password: "" },
      { user: K, query: `user=${K}` },
      { query: `password=${K}` },
      { query: `user=greenroom&amp;pass=${K}`, user: "greenroom" },
      { query: `jwt=${K}` },
      { user: "x", password: "y", query: `jwt=${K}` },
      { token: `Bearer ${K}` }
    ]
    for (const fields of seen) assert.strictEqual(keyIn(fields), K, JSON.stringify(fields))
  })

  it.prop(
    "is taken out of whatever cannot be part of it, in whichever field it stands, however often",
    [keyValues, before, after, element(["user", "password", "token", "query"]), boolean],
    ([key, left, right, field, doubled]) => {
      const text = `${left}${key}${right}`
      assert.strictEqual(keyIn({ [field]: text, ...(doubled ? { query: `a=b&jwt=${text}` } : {}) }), key)
    },
    cases(500)
  )

  it.prop(
    "is taken when it is percent-encoded",
    [keyValues, element(["password", "query"])],
    ([key, field]) => {
      const encoded = [...key].map((sign) => `%${sign.charCodeAt(0).toString(16)}`).join("")
      assert.strictEqual(keyIn({ [field]: `${encoded}%20` }), key)
      assert.strictEqual(keyIn({ [field]: encoded.replaceAll("%", "%25") }), key)
    },
    cases(60)
  )

  it.prop(
    "is no key when a character that keys have stands beside it: the text counts as it is",
    [keyValues, element(["a", "Z", "0", "_", "-", "%41"]), boolean],
    ([key, more, inFront]) => {
      const text = inFront ? `${more}${key}` : `${key}${more}`
      assert.strictEqual(keyIn({ password: text }), text)
    },
    cases(200)
  )

  it("does not count against a password that is a key and nothing else", () => {
    assert.strictEqual(keyIn({ password: K, token: OTHER, user: OTHER, query: `key=${OTHER}` }), K)
    assert.strictEqual(keyIn({ token: K, user: OTHER }), K)
    assert.strictEqual(keyIn({ query: `token=${OTHER}&key=${K}` }), K)
  })

  it("is looked for where the password is none", () => {
    assert.strictEqual(keyIn({ password: "hello", query: `key=${K}` }), K)
    assert.strictEqual(keyIn({ password: "hello", query: "key=world" }), "hello")
    assert.isNull(keyIn({ user: "greenroom", password: "", query: "lang=es" }))
  })

  it("is checked like any other when no connection asks", () => {
    const request = read({ user: K }, null)
    assert.isTrue(request._tag === "Check" && request.key !== null && Redacted.value(request.key) === K)
  })
})

describe("a key that cannot be taken", () => {
  it("stands in front of the stream's name: the sentence has the place and the right one", () => {
    for (const fields of [{ password: `${K}/s1`, query: `pass=${K}/s1` }, { query: `key=${K}%2Fs1` }]) {
      const detail = detailOf(fields)
      assert.match(detail, /server's address/)
      assert.match(detail, /behind the stream's name/)
    }
  })

  it("is one of two: the sentence names where they stand", () => {
    assert.match(detailOf({ user: K, query: `jwt=${OTHER}` }), /^Two different stream keys .* user name and query/)
    assert.match(detailOf({ password: `${K} ${OTHER}` }, null), /^Two different stream keys .* in the password:/)
  })

  it.prop(
    "is in no sentence and in nothing that is printed",
    [keyValues, element(["/s1", ` ${OTHER}`, `"${OTHER}/x`]), element(["user", "password", "token", "query"])],
    ([key, rest, field]) => {
      const request = read({ [field]: `"${key}${rest}` })
      if (key === OTHER) return
      assert.strictEqual(request._tag, "Misplaced")
      assert.notInclude(JSON.stringify(request), key.slice(3))
      assert.notInclude(JSON.stringify(request), OTHER.slice(3))
    },
    cases(200)
  )

  it.prop(
    "whatever is sent, it is read in time that grows with its length alone",
    [Arbitrary.array(element(["sk_", "%25", "%", "/", K, "sk_sk_", "&"]), { minLength: 1, maxLength: 20 })],
    ([parts]) => {
      const text = parts.join("").repeat(400).slice(0, 60_000)
      const started = performance.now()
      read({ password: text, query: text, user: text, token: text })
      assert.isBelow(performance.now() - started, 1_000)
    },
    cases(40)
  )
})
