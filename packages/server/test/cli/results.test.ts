/** What each command asks of the service, what it prints for people, and what with `--json`. */
import { describe, expect, test } from "vitest"
import { ingest, issuedKey, KEY, SECRET } from "./support/answers.ts"
import { type Example, examples, keysCreate, named } from "./support/commands.ts"
import { fakeService } from "./support/fakeService.ts"
import { at } from "./support/greenroom.ts"

const run = async ({ asks, reply }: Pick<Example, "asks" | "reply">, args: ReadonlyArray<string>) => {
  const service = await fakeService({ [asks.split("?")[0] as string]: reply })
  try {
    return { ...(await at(service.url)(args)), asked: service.asked }
  } finally {
    await service.close()
  }
}

describe.each(named(examples))("%s", (_, example) => {
  test("asks for that, shows the secret where one is wanted, and prints it readably", async () => {
    const { code, stdout, stderr, asked } = await run(example, example.args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toBe(example.reads)
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([example.asks])
    expect(asked[0]?.headers["x-api-key"]).toBe(example.args[0] === "health" ? undefined : SECRET)
    expect(asked[0]?.body === "" ? undefined : JSON.parse(asked[0]?.body ?? "")).toEqual(example.sends)
  })

  test("with --json prints what the wire said, and null where it said nothing", async () => {
    const { code, stdout, stderr } = await run(example, [...example.args, "--json"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(JSON.parse(stdout)).toEqual(example.reply.body ?? null)
  })
})

const others = examples.filter(({ asks }) => asks !== keysCreate.asks && !asks.endsWith("/rotate"))
test.each(named(others))("no key and no secret in the output of %s", async (_, example) => {
  const printed = [await run(example, example.args), await run(example, [...example.args, "--json"])]
  for (const { stdout, stderr } of printed) {
    expect(stdout + stderr).not.toContain(KEY)
    expect(stdout + stderr).not.toContain(SECRET)
  }
})

test("fields that this release does not know reach --json all the same", async () => {
  const health = {
    status: "ok",
    service: "greenroom",
    database: "ok",
    media_server: "ok",
    unauthorized_publishers: 0,
    warnings: [],
    mood: "calm"
  }
  const { stdout } = await run({ asks: "GET /health", reply: { body: health } }, ["health", "--json"])
  expect(JSON.parse(stdout)).toEqual(health)
})

test("a protocol that is off is left out of the instructions; without any it says why", async () => {
  const off = { obs: null, rtmp: null, rtsp: null, srt: ingest.srt, srt_streamid: ingest.srt_streamid, whip: null }
  const reply = (body: unknown) => ({ ...keysCreate.reply, body })
  const one = await run({ ...keysCreate, reply: reply({ ...issuedKey, ingest: off }) }, keysCreate.args)
  expect(one.stdout.match(/^(OBS|SRT|ffmpeg).*$/gm)).toEqual([
    "SRT, in an encoder with fields of its own",
    "ffmpeg over SRT"
  ])

  const none = await run(
    { ...keysCreate, reply: reply({ ...issuedKey, ingest: { ...off, srt: null, srt_streamid: null } }) },
    keysCreate.args
  )
  expect(none.stdout).toContain(KEY)
  expect(none.stdout).toContain("MEDIAMTX_PUBLIC_URL")
  expect(none.stdout).not.toContain("ffmpeg")
})

test("the words of others cannot drive the terminal", async () => {
  const evil = "\u001b]0;title\u0007\u009b2J\u202e"
  const [example] = examples.filter(({ args }) => args.join(" ") === "broadcasters list")
  const body = structuredClone(example?.reply.body) as { broadcasters: Array<{ display_name: string }> }
  if (body.broadcasters[0] !== undefined) body.broadcasters[0].display_name = evil
  const table = await run({ asks: "GET /broadcasters", reply: { body } }, ["broadcasters", "list"])
  expect(table.stdout).toContain("\\u001b]0;title\\u0007\\u009b2J\\u202e")
  const json = await run({ asks: "GET /broadcasters", reply: { body } }, ["broadcasters", "list", "--json"])
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
  expect(json.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  expect(JSON.parse(json.stdout)).toEqual(body)
})
