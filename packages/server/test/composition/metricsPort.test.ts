/** `METRICS_PORT`: the metrics have a port of their own, and each port serves its own alone. */
import { assert, describe, it } from "@effect/vitest"
import { freePorts } from "../../../../verification/worlds/processes.ts"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { useHome } from "./home.ts"

describe("METRICS_PORT", () => {
  const home = useHome(noMediaServer)

  it("serves the metrics there and nothing else, and nothing of them on the API's port", async () => {
    const [port] = await freePorts(1)
    const api = await home.start({ METRICS_PORT: String(port) }).ready
    const metrics = `http://127.0.0.1:${port}`
    assert.strictEqual((await fetch(`${api}/health`)).status, 200)
    assert.strictEqual((await fetch(`${api}/metrics`)).status, 404)
    const scraped = await fetch(`${metrics}/metrics`)
    assert.strictEqual(scraped.status, 200)
    assert.match(await scraped.text(), /greenroom_http_requests_total\{.*route="\/health"/)
    for (const route of ["/", "/health", "/docs", "/streams", "/auth"]) {
      const refused = await fetch(`${metrics}${route}`)
      assert.strictEqual(refused.status, 404, route)
      assert.strictEqual(refused.headers.get("content-type"), "application/problem+json")
    }
  })

  it("is where they are when none is set: on the API's port", async () => {
    const api = await home.start().ready
    assert.strictEqual((await fetch(`${api}/metrics`)).status, 200)
  })
})
