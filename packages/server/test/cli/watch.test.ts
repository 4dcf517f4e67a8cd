/** `streams watch`: a line a change, patience while the service is away, an end that is an end. */
import { afterEach, describe, expect, test } from "vitest"
import { detailsOf, page, problem, SECRET, stream, streamId, streamWith } from "./support/answers.ts"
import { type FakeService, fakeService, type Reply } from "./support/fakeService.ts"
import { at, begin } from "./support/greenroom.ts"

/** A service whose streams the test moves about. */
const stage = async () => {
  let live: ReadonlyArray<typeof stream> = []
  let trouble: Reply | "cut" | null = null
  const past = new Map<string, typeof stream>()
  const service = await fakeService({
    "GET /streams": () => trouble ?? { body: page("streams", live) },
    [`GET /streams/${streamId}`]: () => {
      const found = past.get(streamId)
      const missing = problem(404, "stream-not-found", "No such stream")
      return found === undefined ? { status: 404, body: missing } : { body: detailsOf(found) }
    }
  })
  return {
    ...service,
    show: (...streams: ReadonlyArray<typeof stream>) => {
      live = streams
    },
    end: (ended: typeof stream) => {
      past.set(ended.id, ended)
      live = live.filter(({ id }) => id !== ended.id)
    },
    trouble: (reply: Reply | "cut" | null) => {
      trouble = reply
    }
  }
}

const closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
const opened = async () => {
  const theStage = await stage()
  closing.push(theStage.close)
  return theStage
}

const watching = ({ url }: Pick<FakeService, "url">, ...args: ReadonlyArray<string>) => {
  const command = begin(["streams", "watch", ...args], { GREENROOM_URL: url, API_SECRET: SECRET }, { speed: 10 })
  closing.push(command.stop)
  return command
}

const connecting = streamWith({ status: "connecting", ready_at: null as never, source_type: null as never })
const ending = streamWith({ ending: { reason: "revoked", requested_at: "2026-11-21T01:33:13.000Z" } })
const ended = streamWith({
  status: "inactive",
  ended_at: "2026-11-21T01:33:14.000Z",
  end_reason: "revoked",
  duration_seconds: 140
})

const untilLines = (lines: ReadonlyArray<string>, count: number) =>
  expect.poll(() => lines.length, { interval: 20 }).toBe(count)

describe("changes", () => {
  test("are a line each for people", async () => {
    const theStage = await opened()
    theStage.show(connecting)
    const { out, err, stop } = watching(theStage)
    await untilLines(out, 1)
    theStage.show(stream)
    await untilLines(out, 2)
    theStage.show(ending)
    await untilLines(out, 3)
    theStage.end(ended)
    await untilLines(out, 4)
    expect(out.join("\n")).toBe(`\
01:33:14Z  connecting  live/studio-1  rtmp  Studio One  ${streamId}
01:33:14Z  on air      live/studio-1  rtmp  Studio One  ${streamId}
01:33:14Z  ending      live/studio-1  rtmp  Studio One  ${streamId}  (revoked)
01:33:14Z  off air     live/studio-1  rtmp  Studio One  ${streamId}  (revoked, after 2m 20s)`)
    expect(err).toEqual([])
    await stop()
  })

  test("are an object a line with --json, the stream as the wire has it", async () => {
    const theStage = await opened()
    theStage.show(stream)
    const { out, stop } = watching(theStage, "--json")
    await untilLines(out, 1)
    theStage.end(ended)
    await untilLines(out, 2)
    expect(out.map((line) => JSON.parse(line))).toEqual([
      { at: "2026-11-21T01:33:14.000Z", change: "on_air", stream },
      { at: "2026-11-21T01:33:14.000Z", change: "off_air", stream: detailsOf(ended) }
    ])
    expect(out.every((line) => !line.includes("\n"))).toBe(true)
    await stop()
  })

  test("of viewers and bytes are none: only standing is told", async () => {
    const theStage = await opened()
    theStage.show(stream)
    const { out, stop } = watching(theStage)
    await untilLines(out, 1)
    const asked = theStage.asked.length
    theStage.show(streamWith({ viewer_count: 99, inbound_bytes: 99_000_000, duration_seconds: 200 }))
    await expect.poll(() => theStage.asked.length).toBeGreaterThan(asked + 1)
    expect(out.length).toBe(1)
    await stop()
  })

  test("a takeover: who left is told before who came", async () => {
    const theStage = await opened()
    const newcomer = streamWith({ id: "5f0a3a1c-7b11-4c1c-9d2a-0192e4a7ffff" })
    theStage.show(stream)
    const { out, stop } = watching(theStage)
    await untilLines(out, 1)
    theStage.show(newcomer, stream)
    theStage.end({ ...ended, end_reason: "superseded" })
    await untilLines(out, 3)
    expect(out.slice(1).map((line) => line.slice(11, 22).trim())).toEqual(["off air", "on air"])
    await stop()
  })
})

test("filters go to the service", async () => {
  const theStage = await opened()
  const { code } = await watching(theStage, "--path", "live/studio-1", "--for", "1").end
  expect(code).toBe(0)
  expect(theStage.asked[0]?.url).toBe("/streams?status=connecting%2Cactive&path=live%2Fstudio-1&limit=200")
})

describe("while the service is away", () => {
  test("that is said once, and once that it is back; what happened meanwhile follows", async () => {
    const theStage = await opened()
    theStage.show(stream)
    const { out, err, stop } = watching(theStage)
    await untilLines(out, 1)
    theStage.trouble("cut")
    const asked = theStage.asked.length
    await expect.poll(() => theStage.asked.length).toBeGreaterThan(asked + 3)
    expect(err.length).toBe(1)
    theStage.end(ended)
    theStage.trouble(null)
    await untilLines(out, 2)
    expect(err).toEqual([
      expect.stringMatching(/^Cannot reach .* \(the connection was cut\): .* Trying on\.$/),
      expect.stringMatching(/^The service answers again, after \d+s\.$/)
    ])
    expect(out[1]).toContain("off air")
    await stop()
  })

  test("a database that is away is waited for, too", async () => {
    const theStage = await opened()
    const { err, stop } = watching(theStage)
    await expect.poll(() => theStage.asked.length).toBeGreaterThan(0)
    theStage.trouble({ status: 503, body: problem(503, "store-unavailable", "The database does not answer") })
    await untilLines(err, 1)
    expect(err[0]).toContain("The database does not answer")
    theStage.trouble(null)
    await untilLines(err, 2)
    await stop()
  })

  test("but a service that was never there is a failure", async () => {
    const gone = await fakeService({})
    await gone.close()
    const { code } = await at(gone.url)(["streams", "watch"])
    expect(code).toBe(69)
  })

  test("and so is a secret that is refused, at any time", async () => {
    const theStage = await opened()
    const command = watching(theStage)
    await expect.poll(() => theStage.asked.length).toBeGreaterThan(0)
    theStage.trouble({ status: 401, body: problem(401, "unauthorized", "Valid credentials are required") })
    expect((await command.end).code).toBe(77)
  })
})
