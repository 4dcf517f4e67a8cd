/** Who may watch, as the service's variables say it, over its own PostgreSQL; and that its signing key outlives the process. */
import { assert, describe, it } from "@effect/vitest"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { useHome } from "./home.ts"

describe("the service's playback", () => {
  const home = useHome({ ...noMediaServer, PLAYBACK_DEFAULT: "token", PLAYBACK_UNKNOWN_PATHS: "deny" })
  const { start, secret } = home

  const send = async (method: string, url: string, body?: object) => {
    const answer = await fetch(url, {
      method,
      headers: { "x-api-key": secret(), "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into
    return { status: answer.status, json: (await answer.json()) as any }
  }
  const watch = (url: string, path: string, query: string) =>
    send("POST", `${url}/auth`, { ip: "127.0.0.1", action: "read", path, protocol: "rtmp", id: "one", query })

  it("needs a token where nobody says otherwise, and takes one from before a restart", async () => {
    const first = start()
    const url = await first.ready
    const { json: broadcaster } = await send("POST", `${url}/broadcasters`, { display_name: "One" })
    const key = { broadcaster_id: broadcaster.id }
    await send("POST", `${url}/stream-keys`, { ...key, path: "live/private" })
    await send("POST", `${url}/stream-keys`, { ...key, path: "live/public", playback: "public" })
    const { json: created } = await send("POST", `${url}/playback-tokens`, { pattern: "**" })
    const statuses = async (url: string) => [
      (await watch(url, "live/private", "")).json.code,
      (await watch(url, "camera/one", "")).json.code,
      (await watch(url, "live/public", "")).status,
      (await watch(url, "live/private", `token=${created.token}`)).status,
      (await watch(url, "camera/one", `token=${created.token}`)).status
    ]
    const expected = ["playback_token_needed", "playback_token_needed", 200, 200, 200]
    assert.deepStrictEqual(await statuses(url), expected)
    first.child.kill("SIGTERM")
    await first.ended

    const again = start()
    const next = await again.ready
    assert.deepStrictEqual(await statuses(next), expected)
    const { json: other } = await send("POST", `${next}/playback-tokens`, { pattern: "**" })
    assert.strictEqual(other.signing_key_id, created.signing_key_id)
    for (const text of [first.out(), first.err(), again.out(), again.err()])
      for (const { token } of [created, other]) assert.notInclude(text, token.split(".")[2])
  })
})
