/** Health as checkers read it: quick, never a problem document on /health, one on /readyz. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { version } from "../../src/http/api/version.ts"
import { assertProblem } from "./support/assertProblem.ts"
import { call } from "./support/client.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
afterEach(async () => {
  service.trouble("none")
  await service.run(service.thaw)
})
afterAll(() => service.close())

const get = (path: string) => call(service, "GET", path, { secret: null })
const state = { service: "greenroom", database: "ok", media_server: "ok", unauthorized_publishers: 0 }

describe("GET /health", () => {
  it("is 200 when all is well", async () => {
    await expect.poll(async () => (await get("/health")).json.media_server).toBe("ok")
    const answer = await get("/health")
    expect([answer.status, answer.json]).toEqual([200, { status: "ok", ...state }])
  })

  it("is 200 without the media server", async () => {
    await service.run(service.freeze)
    await expect.poll(async () => (await get("/health")).json.media_server, { timeout: 5_000 }).toBe("unreachable")
    const answer = await get("/health")
    expect([answer.status, answer.json]).toEqual([200, { status: "ok", ...state, media_server: "unreachable" }])
  })

  it.each(["down", "slow"] as const)("is 503 with the same body, within 2 s, when the store is %s", async (trouble) => {
    await expect.poll(async () => (await get("/health")).json.media_server, { timeout: 5_000 }).toBe("ok")
    service.trouble(trouble)
    const started = performance.now()
    const answer = await get("/health")
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(answer.status).toBe(503)
    expect(answer.headers.get("content-type")).toBe("application/json")
    expect(answer.json).toEqual({ status: "degraded", ...state, database: "unreachable" })
    expect(answer.headers.get("x-request-id")).not.toBeNull()
  })
})

describe("the others", () => {
  it("GET /livez is 200 whatever happens behind it", async () => {
    service.trouble("down")
    const answer = await get("/livez")
    expect([answer.status, answer.json]).toEqual([200, { status: "ok" }])
  })

  it("GET /readyz is 200 while the store answers, and a problem when it does not", async () => {
    expect([(await get("/readyz")).status, (await get("/readyz")).json]).toEqual([200, { status: "ok" }])
    service.trouble("down")
    assertProblem(await get("/readyz"), "store-unavailable")
  })

  it("GET / tells name and version", async () => {
    expect((await get("/")).json).toEqual({ name: "greenroom", version })
  })
})
