/** Where a credential may stand and which of several counts; what makes a call incomplete; and that nothing else is read. */
import { assert, describe, it } from "@effect/vitest"
import { type AuthCall, protocols, readAuthCall } from "@greenroom/core"
import { Arbitrary, Redacted } from "effect"
import { isKeyText } from "../../src/domain/access/StreamKey.ts"
import { cases, element, integer, keyValues, oneOf, pathish, texts } from "../support/arbitraries.ts"

const call = (
  fields: {
    readonly [name in "user" | "password" | "token" | "query"]?: string | undefined
  } & {
    readonly action?: string | undefined
    readonly id?: string | null | undefined
    readonly protocol?: string | undefined
    readonly path?: string
  }
): AuthCall => {
  const secret = (text: string | undefined) => (text === undefined ? undefined : Redacted.make(text))
  return {
    action: "action" in fields ? fields.action : "publish",
    path: fields.path ?? "live/a",
    protocol: "protocol" in fields ? fields.protocol : "rtmp",
    id: "id" in fields ? fields.id : "source-1",
    user: secret(fields.user),
    password: secret(fields.password),
    token: secret(fields.token),
    query: secret(fields.query)
  }
}
const keyOf = (asked: AuthCall): string | null => {
  const request = readAuthCall(asked)
  assert.strictEqual(request._tag, "Publish")
  return request._tag === "Publish" && request.key !== null ? Redacted.value(request.key) : null
}

const values = element([undefined, "", "one", "two", "a b&c=d+e%", "ü😀"])
const places = { password: values, token: values, key: values, inToken: values, pass: values }

const printable = (text: string) => text.replace(/[^\x21-\x7e]/g, "-").slice(0, 200)

describe("readAuthCall", () => {
  it.prop(
    "takes the first credential that is not empty: password, token, and key, token, pass of the query",
    [
      Arbitrary.all(places),
      element([
        ["key", "token", "pass"],
        ["pass", "x", "token", "key"]
      ])
    ],
    ([{ password, token, ...inQuery }, order]) => {
      const of: Record<string, string | undefined> = {
        key: inQuery.key,
        token: inQuery.inToken,
        pass: inQuery.pass,
        x: "other"
      }
      const query = new URLSearchParams(
        order.flatMap((name) => (of[name] === undefined ? [] : [[name, of[name]] as [string, string]]))
      ).toString()
      const first = [password, token, inQuery.key, inQuery.inToken, inQuery.pass].find(
        (text) => text !== undefined && text !== ""
      )
      assert.strictEqual(keyOf(call({ password, token, query })), first ?? null)
    },
    cases(1_000)
  )

  it("finds no credential where none is", () => {
    for (const query of [
      undefined,
      "",
      "user=sk_abc",
      "KEY=a&Token=b&PASS=c",
      "key=&token=&pass=",
      "key",
      "?",
      "&&&",
      "%"
    ])
      assert.isNull(keyOf(call({ password: "", token: "", query })), String(query))
  })

  it("takes the query as MediaMTX sends it, without a question mark", () => {
    assert.strictEqual(keyOf(call({ query: "user=greenroom&pass=sk_abc" })), "sk_abc")
  })

  it.prop(
    "asks for the connection's id before anything else of a publish",
    [element([undefined, ""]), values, pathish],
    ([id, password, path]) =>
      assert.deepStrictEqual(readAuthCall(call({ id, password, path })), {
        _tag: "Incomplete",
        pointer: "/id",
        detail:
          "Expected the id of the connection that wants to publish: 1 to 255 visible ASCII characters, and no stream key"
      }),
    cases(60)
  )

  it.prop(
    "takes a publish whose id is null for a question about a key, without a connection",
    [values, pathish],
    ([password, path]) =>
      assert.deepStrictEqual(readAuthCall(call({ id: null, password, path, protocol: "webrtc" })), {
        _tag: "Check",
        path,
        key: password === undefined || password === "" ? null : Redacted.make(password)
      }),
    cases(60)
  )

  it("takes no publish whose id no connection can have: none of it may reach the store", () => {
    for (const id of ["", "a\u0000b", "a b", "a\nb", "ü", "x".repeat(256)]) {
      assert.strictEqual(readAuthCall(call({ id }))._tag, "Incomplete", JSON.stringify(id))
    }
    assert.strictEqual(readAuthCall(call({ id: "x".repeat(255) }))._tag, "Publish")
  })

  it.prop(
    "takes no id with a stream key in it, whole, cut or percent-encoded",
    [keyValues, integer(0, 20), element(["", "id-", "%"])],
    ([key, off, before]) => {
      for (const id of [key.slice(0, key.length - off), `%73%6b%5F${key.slice(3)}`]) {
        const request = readAuthCall(call({ id: `${before}${id}` }))
        assert.strictEqual(request._tag, "Incomplete", id)
        assert.notInclude(JSON.stringify(request), key.slice(7, 27))
      }
    },
    cases(200)
  )

  it.prop(
    "passes the path and the id on as they are, and a protocol that it knows or that is left out; no other can be followed",
    [pathish, texts, oneOf([element([...protocols, undefined, "", "RTMP", "hls", "moq"]), texts])],
    ([path, text, protocol]) => {
      const request = readAuthCall(call({ path, id: `id${printable(text)}`, protocol }))
      const known = protocols.find((one) => one === protocol)
      if (known === undefined && protocol !== undefined && protocol !== "") {
        return assert.deepStrictEqual(request, { _tag: "Unsupported", path })
      }
      assert.deepStrictEqual(request, {
        _tag: "Publish",
        path,
        sourceId: `id${printable(text)}`,
        protocol: known ?? null,
        key: null
      })
    },
    cases(200)
  )

  it.prop(
    "reads of a viewer what it asks for, who it is, and a token: nothing else is ever taken for one",
    [element(["read", "playback"] as const), values, values, values],
    ([action, password, token, query]) => {
      const request = readAuthCall(call({ action, id: null, password, token, query }))
      assert.isTrue(request._tag === "View" && request.action === action && request.sourceId === null)
      if (request._tag !== "View") return
      assert.isNull(request.token)
      assert.strictEqual(request.workerKey !== null, password !== undefined && isKeyText(password))
    },
    cases(60)
  )

  it.prop(
    "keeps an operator's secrets, password first, those that are not empty, and none of the query",
    [element(["api", "metrics", "pprof"]), values, values],
    ([action, password, token]) => {
      const request = readAuthCall(call({ action, id: null, password, token, query: "key=a&token=b&pass=c" }))
      assert.isTrue(request._tag === "Operate" && request.action === action)
      if (request._tag !== "Operate") return
      assert.deepStrictEqual(
        request.secrets.map((secret) => Redacted.value(secret)),
        [password, token].filter((text) => text !== undefined && text !== "")
      )
    },
    cases(100)
  )

  it.prop(
    "knows no other action",
    [oneOf([element([undefined, "", "Publish", "publish ", "API", "constructor", "toString"]), texts]), values],
    ([action, password]) =>
      assert.deepStrictEqual(readAuthCall(call({ action, password })), { _tag: "Other", action: action ?? "" }),
    cases(200)
  )

  it("keeps every credential out of what it prints", () => {
    const text = JSON.stringify([
      readAuthCall(call({ password: "sk_secret" })),
      readAuthCall(call({ query: "key=sk_secret" })),
      readAuthCall(call({ action: "api", password: "sk_secret", token: "sk_secret" }))
    ])
    assert.notInclude(text, "sk_secret")
  })
})
