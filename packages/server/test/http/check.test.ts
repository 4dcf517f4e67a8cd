/** The check, over pages, of a store in which one event was lost. */
import { MemoryStore } from "@greenroom/adapters/memory"
import type { StreamId } from "@greenroom/core"
import { Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import { call, newKey } from "./support/client.ts"
import { connectedCall } from "./support/media.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
afterAll(() => service.close())

const loseEvents = (id: StreamId) =>
  service.run(
    Effect.map(MemoryStore.MemoryStore, ({ streams }) => {
      streams.set(id, { ...streams.get(id)!, events: [] })
    })
  )

it("an empty store has nothing to check", async () => {
  const answer = await call(service, "GET", "/check")
  expect([answer.status, answer.json]).toEqual([200, { checked: 0, problems: [], count: 0, next_cursor: null }])
})

it("what is not the fold of its events is told, on whichever page it is", async () => {
  const ids: Array<StreamId> = []
  for (const path of ["live/one", "live/two", "live/three"]) {
    const body = await connectedCall(service, (await newKey(service)).key_value, path)
    ids.push((await call(service, "POST", "/auth", { body, secret: null })).json.stream_id)
  }
  const lost = ids[1]!
  await loseEvents(lost)
  const problems: Array<unknown> = []
  let cursor: string | null = ""
  let pages = 0
  while (cursor !== null) {
    const answer = await call(service, "GET", `/check?limit=1${cursor === "" ? "" : `&cursor=${cursor}`}`)
    expect([answer.status, answer.json.checked, answer.json.count]).toEqual([200, 1, answer.json.problems.length])
    problems.push(...answer.json.problems)
    cursor = answer.json.next_cursor
    pages++
  }
  expect(pages).toBe(3)
  expect(problems).toEqual([{ stream_id: lost, detail: "its events are no history: no events" }])
})

it("a cursor that is none, and a limit beyond the bound, are refused", async () => {
  for (const query of ["cursor=nonsense", "limit=201", `cursor=${Buffer.from("not an id").toString("base64url")}`]) {
    expect((await call(service, "GET", `/check?${query}`)).status).toBe(400)
  }
})
