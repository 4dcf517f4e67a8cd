/** Viewers over HTTP: who is listed, what ends a session, what a revocation does, and who may see whom. */
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { call, newKey } from "./support/client.ts"
import { authenticateThrough, onAir, watching } from "./support/media.ts"
import { newToken } from "./support/operations.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
  await authenticateThrough(service)
})
afterAll(() => service.close())

const listed = async (query: string, secret?: string) =>
  (await call(service, "GET", `/viewers?${query}`, secret === undefined ? {} : { secret })).json.viewers

const newPlaybackToken = async (body: object) => (await call(service, "POST", "/playback-tokens", { body })).json

/** A private stream on the air. */
const privateStream = async (name: string) => {
  const path = `live/${name}`
  const key = await newKey(service, { path, playback: "token" })
  const { stream, publisher } = await onAir(service, key.key_value, path)
  return { path, key, stream, publisher }
}

describe("the list", () => {
  it("shows who watches what with which token, by each filter, with the total", async () => {
    const { path, key, stream } = await privateStream("listed")
    const { id: token_id, token } = await newPlaybackToken({ path, viewer_id: "user-1" })
    const reader = await watching(service, { protocol: "rtmp", path, query: `token=${token}`, ip: "203.0.113.7" })
    const [viewer] = await listed(`path=${path}`)
    expect(viewer).toMatchObject({
      id: reader.id,
      viewer_id: "user-1",
      token_id,
      path,
      stream_id: stream.id,
      protocol: "rtmp",
      ip: "203.0.113.7"
    })
    expect(Date.parse(viewer.since)).toBeLessThanOrEqual(Date.now() + 1_000)
    expect(viewer.outbound_bytes).toBeTypeOf("number")
    expect(JSON.stringify(viewer)).not.toContain(token.split(".")[2])
    const filters = [`stream_id=${stream.id}`, "viewer_id=user-1", `broadcaster_id=${key.broadcaster_id}`]
    for (const filter of filters)
      expect((await listed(filter)).map(({ id }: { id: string }) => id)).toEqual([reader.id])
    for (const filter of ["path=live/other", "viewer_id=user-2"]) expect(await listed(filter)).toEqual([])
    expect((await call(service, "GET", `/viewers?path=${path}&total=true`)).json).toMatchObject({ count: 1, total: 1 })
    expect((await call(service, "GET", `/streams/${stream.id}`)).json.playback).toBe("token")
  })

  it("comes in pages", async () => {
    const key = await newKey(service, { path: "live/many" })
    await onAir(service, key.key_value, "live/many")
    const ids = []
    for (let index = 0; index < 3; index++)
      ids.push((await watching(service, { protocol: "webrtc", path: "live/many" })).id)
    const first = (await call(service, "GET", "/viewers?path=live/many&limit=2")).json
    const second = (await call(service, "GET", `/viewers?path=live/many&limit=2&cursor=${first.next_cursor}`)).json
    const found = [...first.viewers, ...second.viewers].map(({ id }) => id)
    expect(found.toSorted()).toEqual(ids.toSorted())
    expect(second.next_cursor).toBeNull()
  })

  it.each(["path=/x", "stream_id=x", "viewer_id=a%20b", "broadcaster_id=x", "limit=0", "cursor=x"])(
    "is 400 for %s",
    async (query) => {
      const answer = await call(service, "GET", `/viewers?${query}`)
      assertProblem(answer, "validation")
      expect(pointersOf(answer)).toEqual([`/${query.split("=")[0]}`])
    }
  )
})

describe("a kick", () => {
  it("ends the session, which may come back", async () => {
    const key = await newKey(service, { path: "live/kicked" })
    await onAir(service, key.key_value, "live/kicked")
    const reader = await watching(service, { protocol: "webrtc", path: "live/kicked" })
    expect((await call(service, "DELETE", `/viewers/${reader.id}`)).status).toBe(204)
    expect(await service.run(reader.closed)).toBe("kicked")
    await watching(service, { protocol: "webrtc", path: "live/kicked" })
    assertProblem(await call(service, "DELETE", "/viewers/nobody"), "not-found")
  })

  it("is 502 while the media server does not answer", async () => {
    const own = await start()
    try {
      await authenticateThrough(own)
      const key = await newKey(own, { path: "live/one" })
      await onAir(own, key.key_value, "live/one")
      const reader = await watching(own, { protocol: "webrtc", path: "live/one" })
      await own.run(own.freeze)
      assertProblem(await call(own, "DELETE", `/viewers/${reader.id}`), "media-server-unavailable")
      await own.run(own.thaw)
    } finally {
      await own.close()
    }
  })
})

describe("a revocation of a viewer", () => {
  it("takes all its tokens, ends its sessions, and with until new ones, too", async () => {
    const { path } = await privateStream("revocation")
    const first = await newPlaybackToken({ path, viewer_id: "user-9" })
    const reader = await watching(service, { protocol: "rtmp", path, query: `token=${first.token}` })
    const other = await newPlaybackToken({ path, viewer_id: "user-10" })
    const staying = await watching(service, { protocol: "rtmp", path, query: `token=${other.token}` })
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const answer = await call(service, "POST", "/viewers/user-9/revoke", { body: { until } })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ viewer_id: "user-9", until, tokens: 1 })
    expect(Math.abs(Date.parse(answer.json.revoked_at) - Date.now())).toBeLessThan(60_000)
    expect(await service.run(reader.closed)).toBe("kicked")
    expect((await call(service, "GET", `/playback-tokens/${first.id}`)).json.revoked_at).toMatch(/Z$/)
    const next = await newPlaybackToken({ path, viewer_id: "user-9" })
    const again = await service.run(service.media.read({ protocol: "rtmp", path, query: `token=${next.token}` }))
    expect(await service.run(again.admitted)).toBe(false)
    expect((await listed(`path=${path}`)).map(({ id }: { id: string }) => id)).toEqual([staying.id])
  })

  it.each(["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])("until %s is refused", async (until) => {
    const answer = await call(service, "POST", "/viewers/user-1/revoke", { body: { until } })
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual(["/until"])
  })

  it("of a limited caller holds on its broadcaster's paths alone", async () => {
    const [mine, other] = [await privateStream("limited-mine"), await privateStream("limited-other")]
    const tokens = [await newPlaybackToken({ path: mine.path, viewer_id: "shared" })]
    tokens.push(await newPlaybackToken({ path: other.path, viewer_id: "shared" }))
    const { token: secret } = await newToken(service, {
      scopes: ["viewers:write"],
      broadcaster_id: mine.key.broadcaster_id
    })
    const revoked = await call(service, "POST", "/viewers/shared/revoke", { body: {}, secret })
    expect(revoked.json).toMatchObject({ tokens: 1, until: null })
    const admitted = []
    for (const [index, { path }] of [mine, other].entries()) {
      const query = `token=${tokens[index].token}`
      const reader = await service.run(service.media.read({ protocol: "rtmp", path, query }))
      admitted.push(await service.run(reader.admitted))
    }
    expect(admitted).toEqual([false, true])
    const foreign = await watching(service, {
      protocol: "rtmp",
      path: other.path,
      query: `token=${(await newPlaybackToken({ path: other.path })).token}`
    })
    expect(await listed(`path=${other.path}`, secret)).toEqual([])
    assertProblem(await call(service, "DELETE", `/viewers/${foreign.id}`, { secret }), "not-found")
  })
})

describe("who may watch", () => {
  it("is of the key, else of its broadcaster, else of the service", async () => {
    const own = await start({ playback: { streams: "token" } })
    try {
      await authenticateThrough(own)
      const { id } = (await call(own, "POST", "/broadcasters", { body: { display_name: "Open", playback: "public" } }))
        .json
      const policyOf = async (path: string, body: object) => {
        const key = (await call(own, "POST", "/stream-keys", { body: { path, ...body } })).json
        const { stream } = await onAir(own, key.key_value, path)
        const details = (await call(own, "GET", `/streams/${stream.id}`)).json
        return [key.playback, stream.playback, details.playback]
      }
      const plain = (await call(own, "POST", "/broadcasters", { body: { display_name: "Plain" } })).json
      expect(plain.playback).toBeNull()
      expect(await policyOf("live/a", { broadcaster_id: plain.id })).toEqual([null, "token", "token"])
      expect(await policyOf("live/b", { broadcaster_id: id })).toEqual([null, "public", "public"])
      expect(await policyOf("live/c", { broadcaster_id: id, playback: "token" })).toEqual(["token", "token", "token"])
      await call(own, "PATCH", `/broadcasters/${id}`, { body: { playback: "token" } })
      const [stream] = (await call(own, "GET", "/streams?path=live/b")).json.streams
      expect(stream.playback).toBe("token")
    } finally {
      await own.close()
    }
  })

  it("of a live stream may be narrowed: viewers without a token are ended", async () => {
    const key = await newKey(service, { path: "live/narrowed" })
    await onAir(service, key.key_value, "live/narrowed")
    const reader = await watching(service, { protocol: "webrtc", path: "live/narrowed" })
    const changed = await call(service, "PATCH", `/stream-keys/${key.id}`, { body: { playback: "token" } })
    expect(changed.json.playback).toBe("token")
    expect(await service.run(reader.closed)).toBe("kicked")
    const [stream] = (await call(service, "GET", "/streams?path=live/narrowed")).json.streams
    expect(stream.playback).toBe("token")
  })

  it("is asked of paths that are nobody's only where the service denies them", async () => {
    const own = await start({ playback: { unknownPaths: "token" } })
    const ask = (of: Service) =>
      call(of, "POST", "/auth", {
        secret: null,
        body: { ip: "", action: "read", path: "camera/one", protocol: "rtsp" }
      })
    try {
      assertProblem(await ask(own), "playback-token-needed")
      expect((await ask(service)).status).toBe(200)
    } finally {
      await own.close()
    }
  })
})

describe("events", () => {
  it("tell of joining, leaving and refusals, without any token", async () => {
    const { path } = await privateStream("events")
    const { id: token_id, token } = await newPlaybackToken({ path, viewer_id: "user-e" })
    const reader = await watching(service, { protocol: "rtmp", path, query: `token=${token}` })
    await call(service, "DELETE", `/playback-tokens/${token_id}`)
    await service.run(reader.closed)
    await service.run(service.media.read({ protocol: "rtmp", path, query: `token=${token}` }))
    const types = "viewer.joined,viewer.left,viewer.refused,playback_token.revoked"
    const read = Effect.promise(() => call(service, "GET", `/events?limit=200&types=${types}`))
    // biome-ignore lint/suspicious/noExplicitAny: events are looked into
    const ofPath = ({ json }: { readonly json: any }) =>
      // biome-ignore lint/suspicious/noExplicitAny: events are looked into
      json.events.filter(({ data }: any) => data.path === path || data.id === token_id)
    const answer = await service.run(
      Effect.repeat(Effect.delay(read, 20), { until: (found) => ofPath(found).length === 4, times: 3_000 })
    )
    const found = Object.fromEntries(ofPath(answer).map((event: { type: string }) => [event.type, event]))
    const session = { id: reader.id, viewer_id: "user-e", token_id, path, protocol: "rtmp" }
    expect(found["viewer.joined"].data).toMatchObject({ ...session, reason: null })
    expect(found["viewer.left"].data).toMatchObject({ ...session, reason: "token_revoked" })
    expect(found["playback_token.revoked"].data).toMatchObject({ id: token_id, viewer_id: "user-e" })
    expect(found["viewer.refused"].data).toMatchObject({
      path,
      token_id,
      viewer_id: "user-e",
      reason: "playback_token_revoked"
    })
    expect(answer.text).not.toContain(token.split(".")[2])
  })
})
