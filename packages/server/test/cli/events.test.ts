/** `events tail`: a line an event, from the cursor on, over connections that end and services that are away. */
import { afterEach, describe, expect, test } from "vitest"
import { readBlock } from "../../src/cli/serverEvents.ts"
import { broadcaster, detailsOf, problem, SECRET, stream, streamKey, streamWith } from "./support/answers.ts"
import { type Asked, fakeService, type Reply } from "./support/fakeService.ts"
import { at, begin } from "./support/greenroom.ts"

const LOG = "0123456789abcdef"
const event = (position: number, type: string, data: unknown) => ({
  id: `evt_${position}`,
  position,
  type,
  at: "2026-11-21T01:33:14.000Z",
  stream_seq: null,
  data
})
const block = (position: number, type: string, data: unknown): string =>
  `id: ${LOG}-${position}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
const blockOf = (position: number, type: string, data: unknown) => block(position, type, event(position, type, data))
const answer = (...blocks: ReadonlyArray<string>): Reply => ({
  body: blocks.join(""),
  headers: { "content-type": "text/event-stream" }
})

const closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Each connection gets the next answer; the last one stays open. */
const tailing = async (answers: ReadonlyArray<Reply | "cut">, ...args: ReadonlyArray<string>) => {
  let next = 0
  const service = await fakeService({ "GET /events/stream": () => answers[next++] ?? "silence" })
  const command = begin(
    ["events", "tail", ...args],
    { GREENROOM_URL: service.url, API_SECRET: SECRET },
    { speed: 20, deadlineSpeed: 1 }
  )
  closing.push(command.stop, service.close)
  const places = () => service.asked.map(({ url }: Asked) => new URL(url, service.url).searchParams.get("after"))
  return { ...command, places, service }
}

describe("events tail", () => {
  test("prints a line an event, and goes on from the last cursor when the connection ends", async () => {
    const ended = streamWith({ status: "inactive", end_reason: "revoked" })
    const { out, err, places } = await tailing([
      answer(`:\nid: ${LOG}-1\n\n`, blockOf(2, "stream.active", detailsOf(stream))),
      answer(blockOf(3, "stream.ended", detailsOf(ended)), blockOf(4, "key.revoked", streamKey), ":\n\n"),
      answer(blockOf(5, "broadcaster.created", broadcaster), blockOf(6, "media_server.reachable", { id: "default" })),
      answer(`:\nid: ${LOG}-9\n\n`)
    ])
    await expect.poll(() => places().length).toBe(5)
    expect(places()).toEqual(["now", `${LOG}-2`, `${LOG}-4`, `${LOG}-6`, `${LOG}-9`])
    expect(out).toEqual([
      `01:33:14Z  stream.active           live/studio-1  rtmp  Studio One  ${stream.id}`,
      `01:33:14Z  stream.ended            live/studio-1  rtmp  Studio One  ${stream.id}  (revoked)`,
      `01:33:14Z  key.revoked             sk_AbCd…  Main camera  live/studio-1  ${streamKey.id}`,
      `01:33:14Z  broadcaster.created     Studio One  ${broadcaster.id}`,
      "01:33:14Z  media_server.reachable  default"
    ])
    expect(err).toEqual([])
  })

  test("prints the event as it came with --json, and asks for what its flags name", async () => {
    const data = event(2, "worker.new_in_a_later_release", { stream_id: "a", more: { x: 1 } })
    const { out, service } = await tailing(
      [answer(block(2, data.type, data))],
      "--json",
      "--after",
      `${LOG}-1`,
      "--type",
      "worker.failed,key.created",
      "--path",
      "live/one"
    )
    await expect.poll(() => out.length).toBe(1)
    expect(JSON.parse(out[0]!)).toEqual(data)
    expect(service.asked[0]!.url).toBe(
      `/events/stream?after=${LOG}-1&types=worker.failed%2Ckey.created&path=live%2Fone`
    )
    expect(service.asked[0]!.headers["x-api-key"]).toBe(SECRET)
  })

  test("reports once that the service is away and once that it is back, and that events are lost", async () => {
    const lost = { reason: "pruned", oldest: `${LOG}-7`, cursor: `${LOG}-9` }
    const { out, err, places } = await tailing([
      answer(`:\nid: ${LOG}-1\n\n`),
      "cut",
      "cut",
      answer(block(9, "reset", lost), blockOf(10, "broadcaster.deleted", broadcaster))
    ])
    await expect.poll(() => out.length).toBe(1)
    expect(err).toHaveLength(3)
    expect(err[0]).toMatch(/cut.*Trying on\.$/)
    expect(err.slice(1)).toEqual([
      "The service answers again.",
      `Events are lost (pruned): going on from now. --after ${LOG}-7 reads those that are left.`
    ])
    await expect.poll(places).toEqual(["now", `${LOG}-1`, `${LOG}-1`, `${LOG}-1`, `${LOG}-10`])
  })

  test("fails when the first connection does, and for arguments that are wrong", async () => {
    const unauthorized: Reply = { status: 401, body: problem(401, "unauthorized", "Valid credentials are required") }
    const service = await fakeService({ "GET /events/stream": unauthorized })
    closing.push(service.close)
    const greenroom = at(service.url)
    expect((await greenroom(["events", "tail"])).code).toBe(77)
    expect((await greenroom(["events", "tail", "--type", "ready"])).code).toBe(64)
    expect((await greenroom(["events", "tail", "--after", "7"])).code).toBe(64)
    expect(service.asked).toHaveLength(1)
  })
})

test("a block is read as the specification has it", () => {
  expect(readBlock(`id:${LOG}-4\r\nevent: x\r\ndata: {"a":\r\ndata: 1}`)).toEqual({
    cursor: { log: LOG, position: 4 },
    event: { type: "x", data: { a: 1 } }
  })
  expect(readBlock(": comment")).toEqual({ cursor: null, event: null })
})
