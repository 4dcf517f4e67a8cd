/** Guesses at the API and the hook secret over HTTP: slowed down by address, and those who belong in stay in. */
import { assert, describe as describeEffect, it as itEffect } from "@effect/vitest"
import { Effect, Exit, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { afterEach, describe, expect, it } from "vitest"
import { newRequestContext, RequestContext } from "../../../src/http/middleware/RequestContext.ts"
import { CredentialThrottle, layer } from "../../../src/http/throttle/CredentialThrottle.ts"
import { FAILURES_ALLOWED } from "../../../src/http/throttle/FailureLimit.ts"
import { assertProblem } from "../support/assertProblem.ts"
import { type Answer, call } from "../support/client.ts"
import { API_SECRET, HOOK_SECRET, type Service, start } from "../support/service.ts"

const services: Array<Service> = []
const started = async (options: Parameters<typeof start>[0] = {}) => {
  const service = await start(options)
  services.push(service)
  return service
}
afterEach(async () => {
  for (const service of services.splice(0)) await service.close()
})

const statuses = async (ask: (attempt: number) => Promise<Answer>, times = FAILURES_ALLOWED) => {
  const seen: Array<number> = []
  for (let attempt = 0; attempt < times; attempt++) seen.push((await ask(attempt)).status)
  return seen
}
const all = (status: number, times = FAILURES_ALLOWED) => Array.from({ length: times }, () => status)

const guess = (service: Service, secret: string | null) => call(service, "GET", "/streams", { secret })

describe("guesses at the API secret", () => {
  it("are refused unheard after ten in a minute; the machine's own right secret is not", async () => {
    const service = await started()
    const seen = await statuses((attempt) => guess(service, `wrong-${attempt}`), FAILURES_ALLOWED - 1)
    expect(seen).toEqual(all(401, FAILURES_ALLOWED - 1))
    await guess(service, "wrong")
    const refused = await guess(service, "wrong again")
    assertProblem(refused, "too-many-requests")
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50)
    const bearer = await call(service, "GET", "/streams", { secret: null, headers: { authorization: "Bearer wrong" } })
    assertProblem(bearer, "too-many-requests")
    assertProblem(await guess(service, null), "unauthorized")
    expect((await guess(service, API_SECRET)).status).toBe(200)
  })

  it("leave one warning, and no line above debug once they are throttled", async () => {
    const service = await started()
    await statuses((attempt) => guess(service, `wrong-${attempt}`), 3 * FAILURES_ALLOWED)
    await expect.poll(() => service.requests().length).toBe(3 * FAILURES_ALLOWED)
    const warnings = service.lines.filter(({ level }) => level === "Warn")
    expect(warnings.map(({ annotations }) => annotations.network)).toEqual(["127.0.0.1"])
    const throttled = service.requests().filter(({ annotations }) => annotations.status === 429)
    expect(new Set(throttled.map(({ level }) => level))).toEqual(new Set(["Debug"]))
    expect(service.lines.some(({ text }) => text.includes("wrong-"))).toBe(false)
    const metrics = (await call(service, "GET", "/metrics")).text
    expect(metrics).toMatch(/greenroom_networks_throttled 1/)
    expect(metrics).toMatch(/greenroom_credential_failures_total\{secret="api",outcome="throttled"\} \d+/)
  })

  it("are none without a secret", async () => {
    const service = await started()
    expect(await statuses(() => guess(service, null), 2 * FAILURES_ALLOWED)).toEqual(all(401, 2 * FAILURES_ALLOWED))
  })
})

const operate = (service: Service, password: string, ip: string, authorization?: string) =>
  call(service, "POST", "/auth", {
    secret: null,
    body: { action: "api", path: "", user: "greenroom", password, ip },
    headers: authorization === undefined ? {} : { authorization }
  })

describe("guesses through the media server", () => {
  const bearer = `Bearer ${HOOK_SECRET}`

  it("count by the address that it names", async () => {
    const service = await started({ hookSecret: HOOK_SECRET })
    const from = (ip: string, password: string) => operate(service, password, ip, bearer)
    await statuses((attempt) => from("203.0.113.7", `wrong-${attempt}`))
    assertProblem(await from("203.0.113.7", "wrong"), "too-many-requests")
    assertProblem(await from("203.0.113.7", API_SECRET), "too-many-requests")
    expect((await from("203.0.113.8", API_SECRET)).status).toBe(200)
    expect((await from("203.0.113.8", "wrong")).status).toBe(401)
  })

  it("count by the /64 of an IPv6 address", async () => {
    const service = await started({ hookSecret: HOOK_SECRET })
    await statuses((attempt) => operate(service, "wrong", `2001:db8::${attempt}`, bearer))
    expect((await operate(service, API_SECRET, "2001:db8::ffff:1", bearer)).status).toBe(429)
    expect((await operate(service, API_SECRET, "2001:db8:0:1::1", bearer)).status).toBe(200)
  })

  it("do not lock out an address that has sent the right secret before", async () => {
    const service = await started({ hookSecret: HOOK_SECRET })
    expect((await operate(service, API_SECRET, "203.0.113.7", bearer)).status).toBe(200)
    await statuses(() => operate(service, "wrong", "203.0.113.7", bearer), 2 * FAILURES_ALLOWED)
    expect((await operate(service, "wrong", "203.0.113.7", bearer)).status).toBe(429)
    expect((await operate(service, API_SECRET, "203.0.113.7", bearer)).status).toBe(200)
  })

  it("count by the caller's address when no secret shows that it is the media server that names one", async () => {
    const service = await started()
    await statuses((attempt) => operate(service, "wrong", `203.0.113.${attempt}`))
    expect((await operate(service, "wrong", "203.0.113.200")).status).toBe(429)
  })

  it("are not what viewers and publishers ask", async () => {
    const service = await started()
    const ask = (action: string) =>
      call(service, "POST", "/auth", { secret: null, body: { action, path: "live/x", id: "1", password: "wrong" } })
    expect(await statuses(() => ask("read"), 30)).toEqual(all(200, 30))
    expect(await statuses(() => ask("publish"), 30)).toEqual(all(401, 30))
  })
})

describe("guesses at the hook secret", () => {
  const hook = (service: Service, secret: string) =>
    call(service, "POST", "/webhook/ready", {
      secret: null,
      body: { path: "live/x" },
      headers: { authorization: `Bearer ${secret}` }
    })

  it("are throttled, and the right one never is", async () => {
    const service = await started({ hookSecret: HOOK_SECRET })
    await statuses(() => hook(service, "wrong"))
    assertProblem(await hook(service, "wrong"), "too-many-requests")
    expect((await hook(service, HOOK_SECRET)).status).toBe(204)
  })
})

describeEffect("a network that has sent a right credential", () => {
  itEffect.effect("guesses on only if that was the secret itself", () =>
    Effect.gen(function* () {
      const throttle = yield* CredentialThrottle
      const ask = (network: string, sent: "secret" | "token" | "wrong") =>
        Effect.exit(
          throttle.check(
            "api",
            network,
            Effect.succeed(sent),
            (found) => found !== "wrong",
            (found) => found === "secret"
          )
        )
      for (const sent of ["secret", "token"] as const) {
        const network = `203.0.113.${sent.length}`
        yield* ask(network, sent)
        for (let index = 0; index < FAILURES_ALLOWED; index++) yield* ask(network, "wrong")
        assert.strictEqual(Exit.isSuccess(yield* ask(network, "secret")), sent === "secret", sent)
      }
    }).pipe(Effect.provide(layer), Effect.provideService(RequestContext, newRequestContext("/", undefined)))
  )
})

describeEffect("an address that is throttled", () => {
  const lines: Array<string> = []
  const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])

  itEffect.effect("is heard again after a minute, and is calm after two", () =>
    Effect.gen(function* () {
      const throttle = yield* CredentialThrottle
      const network = "203.0.113.7"
      const attempt = (right: boolean) => Effect.exit(throttle.check("api", network, Effect.succeed(right), (is) => is))
      for (let index = 0; index < FAILURES_ALLOWED; index++) yield* attempt(false)
      assert.isTrue(Exit.isFailure(yield* attempt(true)))
      yield* TestClock.adjust("59 seconds")
      assert.isTrue(Exit.isFailure(yield* attempt(true)))
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(Exit.isSuccess(yield* attempt(true)))
      assert.lengthOf(lines, 1)
      yield* TestClock.adjust("61 seconds")
      assert.deepStrictEqual(lines.slice(1), ["no more wrong secrets from the address"])
    }).pipe(
      Effect.provide(Layer.provideMerge(layer, logger)),
      Effect.provideService(RequestContext, newRequestContext("/", undefined))
    )
  )
})
