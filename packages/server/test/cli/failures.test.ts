/** What goes wrong: one sentence on standard error, an exit code, and nothing on standard output, whatever `--json` says. */
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { misconfigured } from "../../src/config/StartFailed.ts"
import { broadcasterId, KEY, keyId, problem, SECRET, stream } from "./support/answers.ts"
import { type FakeService, fakeService, type Reply } from "./support/fakeService.ts"
import { at, begin, type Printed } from "./support/greenroom.ts"

let service: FakeService
let next: Reply | "silence" | "cut" = {}
beforeAll(async () => {
  service = await fakeService({
    "GET /streams": () => next,
    "POST /stream-keys": () => next,
    "GET /health": () => next
  })
})
afterAll(() => service.close())

const list = (reply: typeof next, args: ReadonlyArray<string> = ["streams", "list"]): Promise<Printed> => {
  next = reply
  return at(service.url)(args)
}

const unauthorized = problem(401, "unauthorized", "Valid credentials are required")
const validation = problem(400, "validation", "The request is not valid", {
  detail: "/expires_at: Expected a time in the future; /broadcaster_id: Expected the id of a broadcaster that exists",
  errors: [
    { pointer: "/expires_at", detail: "Expected a time in the future" },
    { pointer: "/broadcaster_id", detail: "Expected the id of a broadcaster that exists" },
    { pointer: "", detail: "Expected more" }
  ]
})

const refusals: ReadonlyArray<readonly [what: string, reply: Reply, code: number, sentence: string]> = [
  [
    "401",
    { status: 401, body: unauthorized },
    77,
    "Valid credentials are required: the service refuses the secret or token from API_SECRET (request req-1)"
  ],
  [
    "403",
    {
      status: 403,
      body: problem(403, "forbidden", "The caller may not do this", {
        detail: "The API token does not have the scope keys:write"
      })
    },
    77,
    "The caller may not do this: The API token does not have the scope keys:write (request req-1)"
  ],
  [
    "400 with its pointers",
    { status: 400, body: validation },
    65,
    `The request is not valid (request req-1)
  /expires_at: Expected a time in the future
  /broadcaster_id: Expected the id of a broadcaster that exists
  /: Expected more`
  ],
  [
    "404",
    { status: 404, body: problem(404, "stream-not-found", "No such stream", { detail: "No stream has this id" }) },
    66,
    "No such stream: No stream has this id (request req-1)"
  ],
  [
    "409",
    { status: 409, body: problem(409, "conflict", "The current state forbids this", { detail: "It is revoked." }) },
    65,
    "The current state forbids this: It is revoked (request req-1)"
  ],
  [
    "503",
    { status: 503, body: problem(503, "store-unavailable", "The database does not answer") },
    75,
    "The database does not answer: try again in a moment (request req-1)"
  ],
  [
    "500",
    { status: 500, body: problem(500, "internal", "Something broke here") },
    70,
    "Something broke here: see the service's log (request req-1)"
  ],
  [
    "a status that no endpoint declares",
    { status: 418, body: problem(418, "teapot", "A teapot") },
    65,
    "A teapot (request req-1)"
  ]
]

test.each(refusals)("%s", async (_, reply, code, sentence) => {
  const expected = { code, stdout: "", stderr: `greenroom: ${sentence}\n` }
  expect(await list(reply)).toEqual(expected)
  expect(await list(reply, ["streams", "list", "--json"])).toEqual(expected)
})

describe("answers that are not Greenroom's", () => {
  test.each([
    ["502 with HTML", { status: 502, body: "<h1>Bad Gateway</h1>" }, 75],
    ["401 of a proxy", { status: 401, body: "<h1>Who are you?</h1>" }, 76],
    ["404 of another program", { status: 404, body: { error: "no such thing" } }, 76],
    ["somebody else's problem document", { status: 403, body: { type: "about:blank", title: "Forbidden" } }, 76]
  ] as const)("%s", async (_, reply, code) => {
    const printed = await list(reply)
    expect(printed).toEqual({
      code,
      stdout: "",
      stderr: `greenroom: ${service.url}/streams answers HTTP ${reply.status}, and not as Greenroom does: is this its address (--url, GREENROOM_URL)?\n`
    })
  })

  test("a redirect is not followed: the secret goes where it was told to", async () => {
    const { code, stderr } = await list({ status: 302, headers: { location: "http://127.0.0.1:1/streams" } })
    expect(code).toBe(76)
    expect(stderr).toContain("redirects (HTTP 302)")
  })

  test.each([
    ["no JSON", { body: "<h1>Welcome to nginx</h1>" }],
    ["other JSON", { body: { hello: "world" } }],
    [
      "a list that ends in another shape",
      { body: { streams: [{ ...stream, status: "dancing" }], count: 1, next_cursor: null } }
    ],
    ["a cursor that is none", { body: { streams: [stream], count: 1, next_cursor: "%%%" } }],
    ["nothing", { status: 200 }]
  ] as const)("200 with %s", async (_, reply) => {
    const { code, stdout, stderr } = await list(reply, ["streams", "list", "--limit", "500"])
    expect({ code, stdout }).toEqual({ code: 76, stdout: "" })
    expect(stderr).toMatch(/^greenroom: The answer of http:\/\/127\.0\.0\.1:\d+ is not what this release expects.*\n$/)
  })

  test("says where the answer differs, not what it holds", async () => {
    const reply = { body: { streams: [{ ...stream, viewer_count: KEY }], count: 1, next_cursor: null } }
    const { stderr } = await list(reply)
    expect(stderr).toContain("/streams/0/viewer_count")
    expect(stderr).not.toContain(KEY)
  })
})

describe("no answer", () => {
  test("nobody listens", async () => {
    const gone = await fakeService({})
    await gone.close()
    expect(await at(gone.url)(["streams", "list", "--json"])).toEqual({
      code: 69,
      stdout: "",
      stderr: `greenroom: Cannot reach ${gone.url} (nothing listens there): start the service (greenroom serve) or give its address (--url, GREENROOM_URL).\n`
    })
  })

  test("the connection is cut", async () => {
    const { code, stderr } = await list("cut")
    expect(code).toBe(69)
    expect(stderr).toContain("(the connection was cut)")
  })

  test("nothing comes: the call has a deadline", async () => {
    next = "silence"
    const environment = { GREENROOM_URL: service.url, API_SECRET: SECRET }
    const { code, stderr } = await begin(["streams", "list"], environment, { deadlineSpeed: 50 }).end
    expect(code).toBe(75)
    expect(stderr).toBe(`greenroom: ${service.url} does not answer within 10 s: try again.\n`)
  })
})

test("a degraded service: the health is printed, the exit code says it", async () => {
  const body = {
    status: "degraded",
    service: "greenroom",
    database: "unreachable",
    media_server: "ok",
    unauthorized_publishers: null,
    warnings: []
  }
  const { code, stdout, stderr } = await list({ status: 503, body }, ["health", "--json"])
  expect({ code, body: JSON.parse(stdout) }).toEqual({ code: 75, body })
  expect(stderr).toBe("greenroom: The database is unreachable: no new publisher is admitted until it is back.\n")
})

describe("a wrong invocation asks nobody", () => {
  const create = ["keys", "create", "--broadcaster", broadcasterId]
  test.each([
    [["streams", "list", "--status", "dancing"], "--status", "connecting, active, inactive"],
    [["streams", "show", "the-first"], "<id>", "Expected a UUID"],
    [["streams", "list", "--path", "live//x"], "--path", "without empty segments"],
    [["streams", "list", "extra"], '"extra"', "Unexpected positional argument"],
    [["streams", "watch", "--for", "0"], "--for", "from 1"],
    [["keys", "list", "--limit", "0"], "--limit", "from 1 to"],
    [["keys", "create"], "--broadcaster", "Missing required flag"],
    [[...create, "--expires-at", "tomorrow"], "--expires-at", "RFC 3339"],
    [[...create, "--expires-in", "a while"], "--expires-in", "90m, 12h or 30d"],
    [[...create, "--expires-in", "1d", "--expires-at", "2030-01-01T00:00:00Z"], "--expires-at", "not both"],
    [[...create, "--any-path", "--path", "live/*"], "--any-path", "not both"],
    [["keys", "update", keyId], "--label", "Nothing to change"],
    [["broadcasters", "update", broadcasterId], "--name", "Nothing to change"],
    [["broadcasters", "create", "x", "--metadata", "[1]"], "--metadata", "Expected"],
    [["broadcasters", "create", "x", "--metadata", "{"], "--metadata", "Expected"],
    [["keys", "frobnicate"], "frobnicate", "Unknown subcommand"],
    [["serve", "--json"], "--json", "Unrecognized flag"]
  ])("%j", async (args, named, expected) => {
    const before = service.asked.length
    const { code, stdout, stderr } = await at(service.url)(args)
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" })
    expect(stderr).toMatch(/^greenroom: /)
    expect(stderr).toContain(named)
    expect(stderr).toContain(expected)
    expect(service.asked.length).toBe(before)
  })
})

test("what a server says cannot drive the terminal", async () => {
  const { stderr } = await list({ status: 409, body: problem(409, "conflict", "\u001b[2Jgone") })
  expect(stderr).toBe("greenroom: \\u001b[2Jgone (request req-1)\n")
})

describe("what the composition fails with", () => {
  const serve = (effect: Effect.Effect<void, unknown>) =>
    begin(["serve"], {}, { commands: { serve: effect, migrate: () => Effect.void } }).end

  test("is a sentence with its own exit code", async () => {
    const wrong = misconfigured("The configuration is wrong:\n  API_PORT: expected a port")
    expect(await serve(Effect.fail(wrong))).toEqual({
      code: 78,
      stdout: "",
      stderr: "greenroom: The configuration is wrong:\n  API_PORT: expected a port\n"
    })
  })

  test("has code 70 where it says none", async () => {
    const expected = { code: 70, stdout: "", stderr: "greenroom: The port is taken.\n" }
    expect(await serve(Effect.fail(new Error("The port is taken.")))).toEqual(expected)
    expect(await serve(Effect.fail("The port is taken."))).toEqual(expected)
  })

  test("a defect tells its story on standard error", async () => {
    const { code, stdout, stderr } = await serve(Effect.die(new TypeError(`no ${KEY} here`)))
    expect({ code, stdout }).toEqual({ code: 70, stdout: "" })
    expect(stderr).toMatch(/^greenroom: Something broke .*:\nTypeError: no sk_AbCd… here\n +at /)
  })
})

describe("secrets stay out of what is printed", () => {
  test("a key where an id belongs", async () => {
    const { code, stderr } = await at(service.url)(["keys", "show", KEY])
    expect(code).toBe(64)
    expect(stderr).toContain("sk_AbCd…")
    expect(stderr).not.toContain(KEY)
  })

  test("a key or the secret in a problem document", async () => {
    const body = problem(400, "validation", "The request is not valid", {
      errors: [{ pointer: `/${KEY}`, detail: `Expected no ${KEY}` }]
    })
    const { stderr } = await list({ status: 400, body })
    expect(stderr).toContain("sk_AbCd…")
    expect(stderr).not.toContain(KEY)
  })

  test("the secret of any failure", async () => {
    const replies = [...refusals.map(([, reply]) => reply), "cut" as const, { body: "<h1>hello</h1>" }]
    for (const reply of replies) {
      const { stdout, stderr } = await list(reply)
      expect(stdout + stderr).not.toContain(SECRET)
    }
  })
})
