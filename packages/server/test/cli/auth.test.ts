/** `auth check` with what is pasted into it, and `auth decisions --follow`. */
import { Stdio, Stream } from "effect"
import { afterEach, describe, expect, test } from "vitest"
import { questionOf } from "../../src/cli/readSetting.ts"
import { authCheckExample } from "../../src/http/api/authCheckSchemas.ts"
import { decisionExample } from "../../src/http/api/authDecisionSchemas.ts"
import { page, SECRET } from "./support/answers.ts"
import { type FakeService, fakeService } from "./support/fakeService.ts"
import { begin } from "./support/greenroom.ts"

const closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const serviceWith = async (replies: Parameters<typeof fakeService>[0]): Promise<FakeService> => {
  const service = await fakeService(replies)
  closing.push(service.close)
  return service
}

const environment = (service: FakeService) => ({ GREENROOM_URL: service.url, API_SECRET: SECRET })

describe("auth check -", () => {
  const KEY = `sk_${"k".repeat(43)}`
  const check = async (input: string, ...args: ReadonlyArray<string>) => {
    const service = await serviceWith({ "POST /auth/check": { body: authCheckExample } })
    const stdin = Stream.fromIterable([input.slice(0, 5), input.slice(5)].map((part) => new TextEncoder().encode(part)))
    const { code, stdout, stderr } = await begin(["auth", "check", ...args], environment(service), {
      stdio: Stdio.layerTest({ stdin })
    }).end
    return { code, printed: stdout + stderr, sent: service.asked.map(({ body }) => JSON.parse(body)) }
  }

  test.each([
    [`rtmp://host/live/x?user=any&pass=${KEY}\n`, { url: `rtmp://host/live/x?user=any&pass=${KEY}` }],
    [`\n  rtmp://host/live\r\n x?pass=${KEY} \n\n`, { server: "rtmp://host/live", stream_key: `x?pass=${KEY}` }],
    [`https://host/live/x/whip\n${KEY}`, { url: "https://host/live/x/whip", bearer: KEY }],
    [`publish:live/x:any:${KEY}`, { streamid: `publish:live/x:any:${KEY}` }],
    [`#!::m=publish,r=live/x,s=${KEY}`, { streamid: `#!::m=publish,r=live/x,s=${KEY}` }]
  ])("sends %j in its form, and prints no key", async (input, expected) => {
    const { code, printed, sent } = await check(input, "-")
    expect([code, sent]).toEqual([0, [expected]])
    expect(printed).not.toContain(KEY)
  })

  test("a bearer token may be a flag", async () => {
    const { sent } = await check("https://host/live/x/whip", "-", "--bearer", "x")
    expect(sent).toEqual([{ url: "https://host/live/x/whip", bearer: "x" }])
  })

  test.each([
    ["nothing", "", ["-"]],
    ["no setting", "", []],
    ["a key without a path", "", ["--key", "3b0f7c52-8a8e-4f0e-9a53-6a1f0f7c2d90"]],
    ["a path without a key", "", ["rtmp://host/live/x", "--path", "live/x"]]
  ])("%s is a wrong invocation, and asks nothing", async (_, input, args) => {
    const { code, printed, sent } = await check(input, ...args)
    expect([code, sent]).toEqual([64, []])
    expect(printed).toContain("standard input")
  })

  test("what is no URL is a stream id", () => {
    expect(Object.keys(questionOf("live/x", null))).toEqual(["streamid"])
    expect(Object.keys(questionOf("RTMP://host/x", null))).toEqual(["url"])
  })
})

describe("auth decisions --follow", () => {
  const decision = (id: number, at: string) => ({
    ...decisionExample,
    id: `00000000-0000-4000-8000-00000000000${id}`,
    at: `2026-11-21T01:33:${at}.000Z`,
    last_at: `2026-11-21T01:33:${at}.000Z`
  })

  test("prints each decision once, oldest first", async () => {
    const answers = [
      [decision(2, "15"), decision(1, "14")],
      [decision(3, "16"), decision(2, "15")],
      [decision(3, "16")]
    ]
    let asked = 0
    const service = await serviceWith({
      "GET /auth-decisions": () => ({ body: page("auth_decisions", answers[Math.min(asked++, 2)]!) })
    })
    const command = begin(["auth", "decisions", "--follow", "--path", "live/studio-1"], environment(service), {
      speed: 100
    })
    closing.unshift(command.stop)
    await expect.poll(() => asked).toBeGreaterThan(4)
    const line = (at: string) =>
      `01:33:${at}Z  stream_key_in_use  live/studio-1  sk_EXAM…  203.0.113.7  Stream key sk_EXAM… is publishing on live/studio-1 already`
    expect(command.out).toEqual([line("14"), line("15"), line("16")])
    const query = new URL(service.asked[0]!.url, service.url).searchParams
    expect([query.get("path"), query.get("since")]).toEqual(["live/studio-1", expect.stringMatching(/^2026-/)])
  })
})
