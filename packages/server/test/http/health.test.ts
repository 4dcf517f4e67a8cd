/** Health as checkers read it: quick, never a problem document on /health, one on /readyz. */
import { Leases, MediaServer } from "@greenroom/core"
import { DateTime, Effect } from "effect"
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
const state = { service: "greenroom", database: "ok", media_server: "ok", unauthorized_publishers: 0, warnings: [] }

describe("GET /health", () => {
  it("is 200 when all is well", async () => {
    await expect.poll(async () => (await get("/health")).json.media_server).toBe("ok")
    const answer = await get("/health")
    expect([answer.status, answer.json]).toEqual([200, { status: "ok", ...state }])
  })

  it("is 200 without the media server", async () => {
    await service.run(service.freeze)
    await expect.poll(async () => (await get("/health")).json.media_server).toBe("unreachable")
    const answer = await get("/health")
    expect([answer.status, answer.json]).toEqual([200, { status: "degraded", ...state, media_server: "unreachable" }])
  })

  it.each(["down", "slow"] as const)("is 503 with the same body when the store is %s", async (trouble) => {
    await expect.poll(async () => (await get("/health")).json.media_server).toBe("ok")
    service.trouble(trouble)
    const answer = await get("/health")
    expect(answer.status).toBe(503)
    expect(answer.headers.get("content-type")).toBe("application/json")
    expect(answer.json).toEqual({ status: "degraded", ...state, database: "unreachable" })
    expect(answer.headers.get("x-request-id")).not.toBeNull()
  })
})

describe("an instance that stands by", () => {
  const nobody = { publishers: 0, unauthorized: 0, kicked: 0, reported: 0, heldBack: 0, enforced: false }

  it("says of the media server what the leader's looks tell, and nothing any more when these end", async () => {
    const own = await start()
    const asLeader = <A, E>(act: (leases: Leases["Service"]) => Effect.Effect<A, E>) =>
      own.run(Effect.flatMap(Leases, act))
    const said = async () => (await call(own, "GET", "/health", { secret: null })).json.media_server
    await asLeader((leases) => Effect.andThen(leases.release("test"), leases.acquire("another", 60_000)))
    // It leads no more, and its own last word is that nobody answers.
    await own.run(own.freeze)
    await own.run(Effect.flatMap(MediaServer, (server) => Effect.ignore(server.snapshot)))
    const lookedAt = DateTime.nowUnsafe()
    await asLeader((leases) =>
      leases.recordPass("another", { started: "x", lookedAt, found: nobody, fulfilled: false }, 60_000)
    )
    await expect.poll(said).toBe("ok")
    const old = DateTime.subtract(lookedAt, { seconds: 11 })
    await asLeader((leases) =>
      leases.recordPass("another", { started: "x", lookedAt: old, found: nobody, fulfilled: false }, 60_000)
    )
    await expect.poll(said).toBe("unreachable")
    await own.close()
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
    // Checks ask every few seconds: their lines are not for an ordinary log.
    const probes = service.requests().filter(({ annotations }) => annotations.route === "/readyz")
    expect(new Set(probes.map(({ level }) => level))).toEqual(new Set(["Debug"]))
  })

  it("GET / tells name and version", async () => {
    expect((await get("/")).json).toEqual({ name: "greenroom", version })
  })
})
