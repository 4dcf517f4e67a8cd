/**
 * `mtx-hook` as MediaMTX runs it: under each shell and with each client that this machine has. What is missing is named once. The
 * runs under bash are traced, and the last test shows that they reach every line and branch.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import {
  type Client,
  commandLines,
  has,
  hookServer,
  makeImages,
  type Run,
  run,
  script,
  shells
} from "../../../../verification/worlds/hookRuns.ts"
import { countStatements, reached, unreached } from "../../../../verification/worlds/shellTrace.ts"

const wanted = ["dash", "busybox ash", "bash"]
const clients: ReadonlyArray<Client> = ["curl", "netcat", "GNU wget", "busybox wget"]
const missing = [...wanted.filter((shell) => !shells.has(shell)), ...clients.filter((client) => !has(client))]
if (missing.length > 0) console.log(`mtx-hook: not tried, because this machine has none: ${missing.join(", ")}`)

const under = wanted.filter((shell) => shells.has(shell))
const withEach = under.flatMap((shell) => clients.filter(has).map((client) => [shell, client] as const))
/** The busybox wget cannot keep a secret. */
const secretive = withEach.filter(([, client]) => client !== "busybox wget")
/** One that every machine can try. */
const anyClient: Client = clients.find(has) ?? "nothing"

const images = makeImages()
const trace = reached()
let server: Awaited<ReturnType<typeof hookServer>>
beforeAll(async () => {
  server = await hookServer()
})
beforeEach(() => {
  server.received.length = 0
  server.answer.status = 200
  delete server.answer.location
  delete server.answer.onRequest
})
afterAll(async () => {
  images.remove()
  await server.close()
})

const sent = { MTX_PATH: "live/studio-1/in", MTX_SOURCE_TYPE: "rtmpConn", MTX_SOURCE_ID: "2d88d6ec" }

interface Options {
  readonly args?: ReadonlyArray<string>
  readonly onSpawn?: (pid: number) => void
}

const hook = (shell: string, client: Client, env: Record<string, string | undefined> = {}, options: Options = {}) =>
  run({
    shell,
    path: images.pathOf(client),
    env: { ORCHESTRATOR_URL: server.url, ...sent, ...env },
    reached: trace,
    ...options
  })

const fine = { code: 0, stdout: "", stderr: "" }

/** One line, and nothing else. */
const complaint = ({ code, stdout, stderr }: Run): string => {
  expect([code, stdout]).toEqual([1, ""])
  expect(stderr).toMatch(/^mtx-hook: [^\n]+\n$/)
  return stderr.slice("mtx-hook: ".length, -1)
}

/** As Go's `url.QueryEscape` has it. */
const escaped = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)

const nasty = [
  'quotes " and more ""',
  "back\\slashes \\\\ \\n \\u0041 \\",
  "100 % %41 %zz %",
  "a+b c  d",
  "lines\none\r\ntwo\n",
  "\u0001\u0002\t\u001b[31m\u007f",
  "Grüße, 世界, 🎥🎬, \u07ff\u0800\uffff\u{10ffff}",
  "$(id) `id` $HOME ; | & < > * ? [a] ~ ! #",
  "'single' -n -e --",
  "{}[],:=@/.",
  " "
]

/** The same ones each time, of every length of a UTF-8 sequence. */
const randomTexts = (count: number): ReadonlyArray<string> => {
  let state = 5
  const below = (most: number) => {
    state = (state * 1103515245 + 12345) % 2147483648
    return Math.floor((state / 2147483648) * most)
  }
  const character = () => {
    const code = below([0x20, 0x80, 0x80, 0x800, 0x10000, 0x110000][below(6)] ?? 1)
    return String.fromCodePoint(code >= 0xd800 && code < 0xe000 ? code + 0x2000 : code)
  }
  return Array.from({ length: count }, () => Array.from({ length: below(30) }, character).join(""))
}

describe.each(withEach)("under %s with %s", (shell, client) => {
  it("tells of an ingest", async () => {
    expect(await hook(shell, client, { MTX_QUERY: "lang%3Des%26x%3D1+2" })).toMatchObject(fine)
    expect(server.received).toHaveLength(1)
    const [{ url, headers, body } = { url: "", headers: {}, body: "" }] = server.received
    expect(url).toBe("/v1/mediamtx/events/ready")
    expect(headers["content-type"]).toBe("application/json")
    expect(headers.host).toBe(`127.0.0.1:${server.port}`)
    expect(headers.authorization).toBeUndefined()
    expect(JSON.parse(body)).toEqual({
      path: "live/studio-1/in",
      sourceType: "rtmpConn",
      sourceId: "2d88d6ec",
      query: "lang=es&x=1 2"
    })
  })

  it("tells of what is no ingest and no product in the other words", async () => {
    const env = { MTX_PATH: "studio/1", ORCHESTRATOR_URL: `${server.url}/`, MTX_QUERY: undefined }
    expect(await hook(shell, client, env, { args: ["not-ready"] })).toMatchObject(fine)
    expect(server.received[0]?.url).toBe("/webhook/not-ready")
    expect(JSON.parse(server.received[0]?.body ?? "")).toEqual({
      path: "studio/1",
      source_type: "rtmpConn",
      source_id: "2d88d6ec",
      query: ""
    })
  })

  it("sends valid JSON, whatever the values hold", async () => {
    const rotated = (by: number) => (_: string, index: number) => nasty[(index + by) % nasty.length] ?? ""
    const [paths, types, queries] = [nasty.map(rotated(1)), nasty.map(rotated(2)), nasty.map(rotated(3))]
    const runs = await Promise.all(
      nasty.map((text, index) =>
        hook(shell, client, {
          MTX_PATH: paths[index],
          MTX_SOURCE_TYPE: types[index],
          MTX_SOURCE_ID: text,
          MTX_QUERY: escaped(queries[index] ?? "")
        })
      )
    )
    for (const one of runs) expect(one).toMatchObject(fine)
    for (const [index, text] of nasty.entries()) {
      const expected = { path: paths[index], source_type: types[index], source_id: text, query: queries[index] }
      expect(server.received.map(({ body }) => JSON.parse(body))).toContainEqual(expected)
    }
    for (const { body } of server.received) expect(body).toMatch(/^[ -~]*$/)
  })

  it("is content with a 2xx alone, tries once, and names the URL and the status", async () => {
    for (const status of [204, 302, 422, 500]) {
      server.received.length = 0
      Object.assign(server.answer, { status, location: status === 302 ? `${server.url}/elsewhere` : undefined })
      const ran = await hook(shell, client)
      if (status < 300) expect(ran).toMatchObject(fine)
      else expect(complaint(ran)).toBe(`${server.url}/v1/mediamtx/events/ready answered with status ${status}`)
      // busybox's wget follows a redirect, whatever it is told.
      if (status !== 302 || client !== "busybox wget") expect(server.received).toHaveLength(1)
    }
  })

  it("says why when nobody is there", async () => {
    const said = complaint(await hook(shell, client, { ORCHESTRATOR_URL: "http://127.0.0.1:1" }))
    expect(said).toMatch(
      /^http:\/\/127\.0\.0\.1:1\/v1\/mediamtx\/events\/ready did not answer: .*(refused|connect to)/i
    )
  })
})

describe.each(secretive)("with a secret, under %s with %s", (shell, client) => {
  it.each(["0123456789abcdef", `odd "secret" \\ 'with' $(id) %41 é`])(
    "sends it as a bearer token: %s",
    async (secret) => {
      expect(await hook(shell, client, { HOOK_SECRET: secret })).toMatchObject(fine)
      const { authorization = "" } = server.received[0]?.headers ?? {}
      expect(Buffer.from(authorization, "latin1").toString("utf8")).toBe(`Bearer ${secret}`)
    }
  )

  it.skipIf(commandLines().length === 0)("shows neither it nor the query to ps, and leaves no file", async () => {
    const secret = "a-secret-that-nobody-else-has"
    const query = "pass%3Dsk_nobody-else-has-this-either"
    let shown: ReadonlyArray<string> = []
    server.answer.onRequest = () => {
      shown = commandLines()
    }
    expect(await hook(shell, client, { HOOK_SECRET: secret, MTX_QUERY: query })).toMatchObject(fine)
    expect(shown.some((line) => line.includes("mtx-hook"))).toBe(true)
    for (const line of shown) expect(line).not.toMatch(/nobody-else-has/)
    expect(server.received[0]?.body).toContain("nobody-else-has")
  })
})

describe.each(under)("under %s", (shell) => {
  it.each([
    [[], /^expected one argument, ready or not-ready$/],
    [["gone"], /^expected one argument, ready or not-ready$/]
  ])("wants to know what happened: %j", async (args, words) => {
    expect(complaint(await hook(shell, anyClient, {}, { args }))).toMatch(words)
  })

  it("names the variable that is wrong", async () => {
    const wrong: ReadonlyArray<readonly [string, string | undefined, RegExp]> = [
      ["ORCHESTRATOR_URL", undefined, /^ORCHESTRATOR_URL is not set/],
      ["ORCHESTRATOR_URL", "", /^ORCHESTRATOR_URL is not set/],
      ["ORCHESTRATOR_URL", "greenroom:8080", /^ORCHESTRATOR_URL is not a URL such as/],
      ["ORCHESTRATOR_URL", "ftp://greenroom", /^ORCHESTRATOR_URL is not a URL such as/],
      ["ORCHESTRATOR_URL", "http://", /^ORCHESTRATOR_URL is not a URL such as/],
      ["ORCHESTRATOR_URL", "http://a b", /^ORCHESTRATOR_URL is not a URL such as/],
      ["ORCHESTRATOR_URL", 'http://a"\nheader = "X: y', /^ORCHESTRATOR_URL is not a URL such as/],
      ["ORCHESTRATOR_URL", "http://x:hunter2@greenroom", /^ORCHESTRATOR_URL holds credentials/],
      ["HOOK_SECRET", "two\nlines", /^HOOK_SECRET is not a secret of one line$/],
      ["HOOK_SECRET", "one\r", /^HOOK_SECRET is not a secret of one line$/],
      ["MTX_PATH", undefined, /^MTX_PATH is not set/],
      ["MTX_PATH", "", /^MTX_PATH is not set/]
    ]
    const runs = await Promise.all(wrong.map(([name, value]) => hook(shell, anyClient, { [name]: value })))
    for (const [n, [name, value, words]] of wrong.entries()) {
      const said = complaint(runs[n] as Run)
      expect([name, value, said]).toEqual([name, value, expect.stringMatching(words)])
      expect(said).not.toContain("hunter2")
    }
    expect(server.received).toEqual([])
  })

  it("sends the events of sources of the server's own, which have no id and perhaps no type", async () => {
    const sources: ReadonlyArray<readonly [string, string | undefined, string | undefined, unknown]> = [
      ["live/pulled/in", "rtspSource", "", { sourceType: "rtspSource", sourceId: null }],
      ["live/offline/in", "", "", { sourceType: null, sourceId: null }],
      ["live/unset/out", undefined, undefined, { sourceType: null, sourceId: null }],
      ["camera", "rtspSource", "", { source_type: "rtspSource", source_id: null }],
      ["offline", undefined, "", { source_type: null, source_id: null }]
    ]
    for (const event of ["ready", "not-ready"]) {
      for (const [path, type, id] of sources) {
        const env = { MTX_PATH: path, MTX_SOURCE_TYPE: type, MTX_SOURCE_ID: id, MTX_QUERY: "" }
        expect(await hook(shell, anyClient, env, { args: [event] })).toMatchObject(fine)
      }
    }
    const bodies = server.received.map(({ body }) => JSON.parse(body))
    const expected = sources.map(([path, , , source]) => ({ path, ...(source as object), query: "" }))
    expect(bodies).toEqual([...expected, ...expected])
  })

  it("knows what belongs to the pipeline", async () => {
    const paths: ReadonlyArray<readonly [string, boolean]> = [
      ["live/a/in", true],
      ["live/a/out", true],
      [`live/${"x".repeat(128)}/out`, true],
      [`live/${"x".repeat(129)}/out`, false],
      ["live//in", false],
      ["live/in", false],
      ["live/a/b/in", false],
      ["live/a.b/in", false],
      ["live/a/up", false],
      ["live/a/in/", false],
      ["live/a/in\n", false],
      ["/live/a/in", false],
      ["x/live/a/in", false],
      ["live/a/in/out", false],
      ["a", false]
    ]
    await Promise.all(paths.map(([path]) => hook(shell, anyClient, { MTX_PATH: path })))
    const got = new Map(server.received.map(({ url, body }) => [JSON.parse(body).path, url]))
    for (const [path, pipeline] of paths) {
      expect([path, got.get(path)]).toEqual([path, pipeline ? "/v1/mediamtx/events/ready" : "/webhook/ready"])
    }
  })

  it("writes what is no UTF-8 as U+FFFD, and unescapes once", async () => {
    const queries: ReadonlyArray<readonly [string, string]> = [
      ["%00%1F%22%5C%7f", '\u0000\u001f"\\\u007f'],
      ["%2525", "%25"],
      ["%", "%"],
      ["%4", "%4"],
      ["%zz%C3%A9", "%zzé"],
      ["é", "é"],
      ["%FF%FE", "\ufffd\ufffd"],
      ["%C3", "\ufffd"],
      ["%C3%28", "\ufffd("],
      ["%C3a", "\ufffda"],
      ["%C3+", "\ufffd "],
      ["%C3%zz", "\ufffd%zz"],
      ["%E2%82%AC%E2%82", "€\ufffd"],
      ["%E2%C3%A9", "\ufffdé"],
      ["%80%BF%C0%AF%F5", "\ufffd\ufffd\ufffd\ufffd\ufffd"],
      ["%E0%80%AF", "\ufffd"],
      ["%ED%A0%80", "\ufffd"],
      ["%F4%90%80%80", "\ufffd"],
      ["%F0%80%80%80", "\ufffd"],
      ["%F0%9F%8E%A5", "🎥"]
    ]
    await Promise.all(queries.map(([query], n) => hook(shell, anyClient, { MTX_QUERY: query, MTX_SOURCE_ID: `n${n}` })))
    const got = new Map(server.received.map(({ body }) => [JSON.parse(body).sourceId, JSON.parse(body).query]))
    for (const [n, [query, expected]] of queries.entries()) expect([query, got.get(`n${n}`)]).toEqual([query, expected])
  })

  it("unescapes any text that Go escapes, in any locale", async () => {
    const texts = randomTexts(25)
    const runs = texts.map((text, n) => {
      const sourceId = text.replaceAll("\0", "") || "-"
      const env = { MTX_QUERY: escaped(text), MTX_SOURCE_ID: sourceId, LC_ALL: ["C", "C.UTF-8", "POSIX"][n % 3] }
      return { sourceId, query: text, env }
    })
    await Promise.all(runs.map(({ env }) => hook(shell, anyClient, env)))
    const bodies = server.received.map(({ body }) => JSON.parse(body))
    for (const { sourceId, query } of runs) {
      expect(bodies).toContainEqual({ path: sent.MTX_PATH, sourceType: sent.MTX_SOURCE_TYPE, sourceId, query })
    }
  })

  it("leaves out a query that nobody would read", async () => {
    expect(await hook(shell, anyClient, { MTX_QUERY: "x".repeat(4096) })).toMatchObject(fine)
    expect(await hook(shell, anyClient, { MTX_QUERY: "x".repeat(4097) })).toMatchObject(fine)
    expect(server.received.map(({ body }) => JSON.parse(body).query)).toEqual(["x".repeat(4096), null])
  })

  it("starts no process for a character, so that a long value costs no time", async () => {
    // The trace under bash writes every value out, again and again.
    const [few, many] = shell === "bash" ? [20, 100] : [455, 3_000]
    const runs = [
      { MTX_QUERY: "%E4%B8%96".repeat(few) },
      { MTX_SOURCE_ID: '"'.repeat(many) },
      { MTX_PATH: "é\t".repeat(few), MTX_SOURCE_TYPE: "x".repeat(many) }
    ]
    for (const env of runs) expect(await hook(shell, anyClient, env)).toMatchObject(fine)
    expect(server.received.map(({ body }) => JSON.parse(body))).toEqual([
      { path: "live/studio-1/in", sourceType: "rtmpConn", sourceId: "2d88d6ec", query: "世".repeat(few) },
      { path: "live/studio-1/in", sourceType: "rtmpConn", sourceId: '"'.repeat(many), query: "" },
      { path: "é\t".repeat(few), source_type: "x".repeat(many), source_id: "2d88d6ec", query: "" }
    ])
  })

  it("finishes although MediaMTX interrupts it, as it does when the stream ends meanwhile", async () => {
    let group = 0
    server.answer.onRequest = async () => {
      process.kill(-group, "SIGINT")
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const onSpawn = (pid: number) => {
      group = pid
    }
    expect(await hook(shell, anyClient, {}, { onSpawn })).toMatchObject(fine)
  })

  it.skipIf(!has("netcat"))("reaches names, IPv6 addresses and prefixes without a client", async () => {
    const hosts = { [`http://localhost:${server.port}`]: "", [`${server.url}/behind/a/proxy/`]: "/behind/a/proxy" }
    for (const [url, prefix] of Object.entries(hosts)) {
      expect(await hook(shell, "netcat", { ORCHESTRATOR_URL: url })).toMatchObject(fine)
      expect(server.received.at(-1)?.url).toBe(`${prefix}/v1/mediamtx/events/ready`)
    }
    for (const url of ["http://[::1]:1", "http://[::1]", "http://127.0.0.1"]) {
      const said = complaint(await hook(shell, "netcat", { ORCHESTRATOR_URL: url }))
      expect(said).toMatch(/did not answer: nc: can't connect to remote host( \(127\.0\.0\.1\))?: Connection refused/)
    }
  })

  it.skipIf(!has("busybox beside others"))("asks busybox first, and another for https", async () => {
    const client = "busybox beside others"
    expect(await hook(shell, client)).toMatchObject(fine)
    expect(server.received).toHaveLength(1)
    const https = { ORCHESTRATOR_URL: server.url.replace("http:", "https:") }
    expect(complaint(await hook(shell, client, https))).toMatch(/ did not answer: nobody should ask this one$/)
  })

  it.skipIf(!has("busybox without nc"))("asks another when busybox was built without nc", async () => {
    expect(await hook(shell, "busybox without nc")).toMatchObject(fine)
    expect(server.received).toHaveLength(1)
  })

  it("says so when it has no client", async () => {
    expect(complaint(await hook(shell, "nothing"))).toMatch(/has neither curl nor wget nor busybox$/)
  })

  it.skipIf(!has("busybox wget"))("says so when it could not keep the secret", async () => {
    for (const client of ["busybox wget", "netcat"] as const) {
      const env = { HOOK_SECRET: "0123456789abcdef", ORCHESTRATOR_URL: server.url.replace("http:", "https:") }
      const said = complaint(await hook(shell, client, env))
      expect(said).toMatch(
        /^HOOK_SECRET cannot be sent .* without showing it to ps: this image needs curl or GNU's wget$/
      )
    }
    expect(server.received).toEqual([])
  })

  it.skipIf(!has("GNU wget"))("says so when wget has nowhere to put its configuration", async () => {
    const said = complaint(await hook(shell, "GNU wget", { TMPDIR: "/nowhere" }))
    expect(said).toMatch(/cannot be told with wget, which needs a temporary file: .*nowhere/)
  })

  it.skipIf(!has("busybox and GNU wget"))("takes GNU's wget for https, which busybox's nc cannot", async () => {
    const env = { HOOK_SECRET: "0123456789abcdef", ORCHESTRATOR_URL: server.url.replace("http:", "https:") }
    expect(complaint(await hook(shell, "busybox and GNU wget", env))).toMatch(/^https:.* did not answer: /)
  })
})

describe("a Greenroom that does not answer", () => {
  it.each([
    ["says nothing", 0],
    ["answers byte by byte", -1]
  ])("and %s is given up within 5 seconds, by every client under every shell", async (_, status) => {
    server.answer.status = status
    const runs = await Promise.all(withEach.map(([shell, client]) => hook(shell, client)))
    for (const [index, one] of runs.entries()) {
      const said = complaint(one)
      expect([withEach[index], said]).toEqual([
        withEach[index],
        expect.stringMatching(/^http:.*\/v1\/mediamtx\/events\/ready did not answer: (?!Terminated)\S/)
      ])
      expect(one.millis).toBeGreaterThan(1_500)
      // Five seconds by the clients' own deadlines; the start of a process can take its time on a busy machine.
      expect(one.millis).toBeLessThan(30_000)
    }
    expect(server.received).toHaveLength(withEach.length)
  })
})

describe("the script", () => {
  it("has every line and branch reached by the runs above", () => {
    const text = readFileSync(script, "utf8")
    const left = unreached(text, trace)
    if (missing.length === 0) {
      console.log(`mtx-hook: ${countStatements(text) - left.length} of ${countStatements(text)} statements reached`)
      expect(left).toEqual([])
    } else console.log(`mtx-hook: not reached here: ${left.join("; ")}`)
  })

  it("is one file, which can be executed, and pleases shellcheck where that is installed", () => {
    const shown = new URL("../../../../docker/mediamtx/mtx-hook", import.meta.url)
    expect(readFileSync(shown, "utf8")).toBe(readFileSync(script, "utf8"))
    expect(statSync(shown).mode & 0o111).toBe(0o111)
    // With CRLF no shell takes it: what git makes of line ends elsewhere must not matter.
    const kept = execFileSync("git", ["check-attr", "eol", "--", script], { cwd: dirname(script), encoding: "utf8" })
    expect(kept.trim()).toMatch(/: eol: lf$/)
    const shellcheck = "/usr/bin/shellcheck"
    if (existsSync(shellcheck)) expect(execFileSync(shellcheck, [script], { encoding: "utf8" })).toBe("")
  })

  it("is quick", async () => {
    const shell = under.includes("dash") ? "dash" : (under[0] ?? "")
    const told: Array<string> = []
    for (const client of clients.filter(has)) {
      const times: Array<number> = []
      for (let round = 0; round < 21; round++) {
        times.push((await hook(shell, client, { MTX_QUERY: "user%3Da%26pass%3Db" })).millis)
      }
      times.sort((a, b) => a - b)
      told.push(`${client} ${times[10]?.toFixed(1)} ms (quickest ${times[0]?.toFixed(1)})`)
    }
    console.log(`mtx-hook: median run under ${shell}, its process's start included: ${told.join(", ")}`)
    expect(server.received).toHaveLength(21 * clients.filter(has).length)
  })
})
