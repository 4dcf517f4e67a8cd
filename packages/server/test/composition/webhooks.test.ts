/** Webhooks of the running service, over its own PostgreSQL: delivered, signed, and what the encryption key is for. */
import * as fs from "node:fs"
import * as path from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Webhook } from "standardwebhooks"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { startReceiver } from "../http/support/receiver.ts"
import { until, useHome } from "./home.ts"

describe("the service's webhooks", () => {
  const home = useHome({ ...noMediaServer, WEBHOOKS_ALLOW_PRIVATE: "true" })
  const { start, secret } = home
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  beforeEach(async () => {
    receiver = await startReceiver((_, response) => response.end("ok"))
  })
  afterEach(() => receiver.close())

  const post = async (url: string, route: string, body: object = {}) => {
    const answer = await fetch(`${url}${route}`, {
      method: "POST",
      headers: { "x-api-key": secret(), "content-type": "application/json" },
      body: JSON.stringify(body)
    })
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into
    return { status: answer.status, json: (await answer.json()) as any }
  }
  const endpointFor = (url: string) =>
    post(url, "/webhook-endpoints", { url: receiver.url, types: ["broadcaster.created"] })
  const names = () => receiver.received.map(({ body }) => JSON.parse(body).data.display_name)
  const namesAre = (...expected: ReadonlyArray<string>) =>
    until(() => expected.every((name) => names().includes(name)), `the receiver has ${expected}`)

  it("are delivered, signed, also after a restart, at once; the generated key is kept like the API secret", async () => {
    const first = start()
    const url = await first.ready
    const { json: endpoint } = await endpointFor(url)
    await post(url, "/broadcasters", { display_name: "One" })
    await namesAre("One")
    const [one] = receiver.received
    assert.strictEqual(
      (new Webhook(endpoint.secret).verify(one!.body, one!.headers) as { type: string }).type,
      "broadcaster.created"
    )
    const kept = path.join(home.data(), "encryption-key")
    assert.strictEqual(fs.statSync(kept).mode & 0o777, 0o600)
    // It gives up its leases, so that nothing has to wait until they have run out.
    first.child.kill("SIGTERM")
    await first.ended

    const again = start()
    await post(await again.ready, "/broadcasters", { display_name: "Two" })
    await namesAre("One", "Two")
    const last = receiver.received.at(-1)!
    assert.doesNotThrow(() => new Webhook(endpoint.secret).verify(last.body, last.headers))
    for (const text of [first.out(), first.err(), again.out(), again.err()]) {
      assert.notInclude(text, "whsec_")
      assert.notInclude(text, fs.readFileSync(kept, "utf8").trim())
    }
  })

  it("wait under another key, and go on when the secret is rotated", async () => {
    const first = start()
    const { json: endpoint } = await endpointFor(await first.ready)
    first.child.kill("SIGTERM")
    await first.ended
    const other = start({ ENCRYPTION_KEY: "another key of thirty-two letters" })
    const url = await other.ready
    await post(url, "/broadcasters", { display_name: "One" })
    await until(() => other.err().includes("its secret cannot be read"), "the log has it")
    assert.deepStrictEqual(names(), [])
    const { id } = endpoint
    const tested = await post(url, `/webhook-endpoints/${id}/test`)
    assert.deepStrictEqual([tested.status, tested.json.code], [409, "conflict"])
    const rotated = await post(url, `/webhook-endpoints/${id}/rotate-secret`)
    await namesAre("One")
    const [one] = receiver.received
    assert.doesNotThrow(() => new Webhook(rotated.json.secret).verify(one!.body, one!.headers))
  })

  it("go to the public internet over TLS alone where that is asked for", async () => {
    const service = start({ WEBHOOKS_ALLOW_PRIVATE: "", WEBHOOKS_REQUIRE_TLS: "true" })
    const url = await service.ready
    for (const refused of ["http://app.example.com/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/"]) {
      const answer = await post(url, "/webhook-endpoints", { url: refused })
      assert.deepStrictEqual([answer.status, answer.json.errors[0].pointer], [400, "/url"], refused)
    }
    const secure = receiver.url.replace("http://127.0.0.1", "https://localhost")
    const { json: endpoint } = await post(url, "/webhook-endpoints", { url: secure })
    const { json: tested } = await post(url, `/webhook-endpoints/${endpoint.id}/test`)
    assert.match(tested.answer, /^blocked: /)
  })
})
