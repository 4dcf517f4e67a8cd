/** Nearly right requests with a fixed seed, and those that a proxy and a server might divide differently; more of both in `npm run attack`. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ambiguousRequests, mutatedRequests } from "../../../../verification/attack/rawRequests.ts"
import { call, parseRaw, raw } from "./support/client.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start({ requestWithinMillis: 500 })
})
afterAll(() => service.close())

const statusesIn = (answer: string) => [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))

it("mutated requests are answered or cut off, never with a 5xx, and the service goes on", async () => {
  const requests = mutatedRequests(1, 300)
  const answers: Array<string> = []
  const queue = [...requests]
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let text = queue.pop(); text !== undefined; text = queue.pop()) {
        answers.push(await raw(service.port, Buffer.from(text, "latin1"), (socket) => socket.end()))
      }
    })
  )
  expect(answers).toHaveLength(300)
  expect(answers.flatMap(statusesIn).filter((status) => status >= 500)).toEqual([])
  expect(answers.filter((answer) => statusesIn(answer).length > 0).length).toBeGreaterThan(200)
  expect((await call(service, "GET", "/livez")).status).toBe(200)
  expect(service.lines.filter(({ level }) => level === "Error" || level === "Fatal")).toEqual([])
})

describe("a request that could be read in two ways", () => {
  it.each(ambiguousRequests)("is refused, and its connection ends: %s", async (_, text) => {
    const answer = await raw(service.port, text)
    expect(statusesIn(answer)).toEqual([400])
    expect(parseRaw(answer).headers.get("connection")).toBe("close")
  })
})
