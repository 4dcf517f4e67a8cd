/** Media workers over HTTP: what their records say, and what is said while workers are off. */
import { Leases, type PipelineId, type StreamId, type WorkerChange, Workers } from "@greenroom/core"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call, newKey } from "./support/client.ts"
import { authenticateThrough } from "./support/media.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start({ workers: true })
  await authenticateThrough(service)
})
afterAll(() => service.close())

const id = (text: string) => text as PipelineId
const change = (more: Partial<WorkerChange>): WorkerChange => ({
  id: id("a"),
  state: "idle",
  reason: null,
  attempt: 0,
  inputStreamId: null,
  outputStreamId: null,
  retryInMillis: null,
  mark: null,
  ...more
})

const written = (...changes: ReadonlyArray<WorkerChange>) =>
  service.run(
    Effect.gen(function* () {
      const leases = yield* Leases
      const workers = yield* Workers
      yield* leases.acquire("test", 60_000)
      expect(yield* workers.save(changes, "test")).toBe(true)
    })
  )

describe("workers", () => {
  it("are an empty list that says so before there was one", async () => {
    const { status, json } = await call(service, "GET", "/workers")
    expect([status, json]).toEqual([
      200,
      { workers: [], count: 0, next_cursor: null, message: "No stream has been worked on yet." }
    ])
  })

  it("are told whole, each with its paths and its process", async () => {
    const input = "5f0a3a1c-7b11-4c1c-9d2a-0192e4a73f5e" as StreamId
    await written(
      change({
        id: id("studio-1"),
        state: "running",
        attempt: 1,
        inputStreamId: input,
        mark: { host: "media-1", pid: 4711, startedAt: "boot:1" }
      })
    )
    await written(change({ id: id("studio_2"), state: "retrying", attempt: 2, reason: "404", retryInMillis: 2_000 }))
    const one = await call(service, "GET", "/workers/studio-1")
    expect(one.json).toEqual({
      stream_id: "studio-1",
      state: "running",
      reason: null,
      attempt: 1,
      input_path: "live/studio-1/in",
      output_path: "live/studio-1/out",
      input_stream_id: input,
      output_stream_id: null,
      retry_at: null,
      host: "media-1",
      pid: 4711,
      created_at: expect.stringMatching(/Z$/),
      state_since: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/)
    })
    const list = await call(service, "GET", "/workers")
    expect(list.json.workers.map((worker: { stream_id: string }) => worker.stream_id)).toEqual(["studio_2", "studio-1"])
    expect(list.json.workers[0].retry_at).toMatch(/Z$/)
    expect(list.json).not.toHaveProperty("message")
    const retrying = await call(service, "GET", "/workers?state=retrying,failed")
    expect([retrying.json.count, retrying.json.workers[0].reason]).toEqual([1, "404"])
    const none = await call(service, "GET", "/workers?state=failed")
    expect(none.json).toEqual({ workers: [], count: 0, next_cursor: null })
  })

  it("come in pages", async () => {
    await written(...["p1", "p2", "p3", "p4", "p5"].map((name) => change({ id: id(name) })))
    const seen: Array<string> = []
    let cursor = ""
    do {
      const { json } = await call(service, "GET", `/workers?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`)
      expect(json.count).toBeLessThanOrEqual(2)
      seen.push(...json.workers.map((worker: { stream_id: string }) => worker.stream_id))
      cursor = json.next_cursor ?? ""
    } while (cursor !== "")
    expect(seen.filter((name) => /^p\d$/.test(name)).toSorted()).toEqual(["p1", "p2", "p3", "p4", "p5"])
    expect(new Set(seen).size).toBe(seen.length)
  })

  it("that never were are not found; ids and states that cannot be are not valid; the secret is needed", async () => {
    assertProblem(await call(service, "GET", "/workers/nobody"), "not-found")
    expect((await call(service, "GET", "/workers/a%20b")).json.errors[0].detail).toMatch(/letters, digits/)
    expect((await call(service, "GET", `/workers/${"a".repeat(129)}`)).status).toBe(400)
    const longest = "a".repeat(128)
    await written(change({ id: id(longest) }))
    expect((await call(service, "GET", `/workers/${longest}`)).json.stream_id).toBe(longest)
    expect((await call(service, "GET", "/workers?state=asleep")).json.errors[0].pointer).toBe("/state")
    for (const path of ["/workers", "/workers/studio-1"]) {
      expect((await call(service, "GET", path, { secret: null })).status).toBe(401)
      expect((await call(service, "DELETE", path)).status).toBe(405)
    }
  })

  it("are not told while the store does not answer", async () => {
    service.trouble("down")
    for (const path of ["/workers", "/workers/studio-1"]) {
      assertProblem(await call(service, "GET", path), "store-unavailable")
    }
    service.trouble("none")
  })

  it("have their outputs to themselves: no key is issued for one", async () => {
    const { broadcaster_id } = await newKey(service)
    const refused = await call(service, "POST", "/stream-keys", { body: { broadcaster_id, path: "live/a/out" } })
    expect([refused.status, refused.json.errors[0].pointer]).toEqual([400, "/path"])
    for (const path of ["live/a/in", "live/a/*", "live/**"]) {
      expect((await call(service, "POST", "/stream-keys", { body: { broadcaster_id, path } })).status).toBe(201)
    }
  })
})

describe("while workers are off", () => {
  it("the list is empty and says why, and their outputs are paths like others", async () => {
    const without = await start()
    try {
      const { json } = await call(without, "GET", "/workers")
      expect(json).toEqual({ workers: [], count: 0, next_cursor: null, message: expect.stringMatching(/WORKERS=on/) })
      const one = await call(without, "GET", "/workers/studio-1")
      expect([one.status, one.json.detail]).toEqual([404, expect.stringMatching(/WORKERS=on/)])
      expect((await newKey(without, { path: "live/a/out" })).path).toBe("live/a/out")
    } finally {
      await without.close()
    }
  })
})
