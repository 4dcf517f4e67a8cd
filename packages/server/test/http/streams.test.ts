/** Streams over HTTP, from admission to history. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { call, newKey, publishCall } from "./support/client.ts"
import { UNKNOWN_ID } from "./support/endpoints.ts"
import { authenticateThrough, connectedCall, onAir } from "./support/media.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
  await authenticateThrough(service)
})
afterAll(() => service.close())

describe("when nobody is live", () => {
  it("the list is empty and says so; what has ended is another question", async () => {
    const quiet = await start()
    try {
      const empty = { streams: [], count: 0, next_cursor: null }
      const list = async (query: string) => (await call(quiet, "GET", `/streams${query}`)).json
      const message = "No stream is live."
      for (const query of ["", "?limit=5", "?status=active", "?status=connecting,active"]) {
        expect(await list(query)).toEqual({ ...empty, message })
      }
      for (const query of [
        "?status=inactive",
        "?status=connecting",
        "?status=active,inactive",
        "?path=live/a",
        `?broadcaster_id=${UNKNOWN_ID}`,
        `?status=active&stream_key_id=${UNKNOWN_ID}`
      ]) {
        expect(await list(query)).toEqual({ ...empty, message: "No stream matches." })
      }
      const cursor = `1763688794000-${UNKNOWN_ID.replaceAll("-", "")}`
      expect(await list(`?cursor=${cursor}`)).toEqual({ ...empty, message: "No further stream matches." })
    } finally {
      await quiet.close()
    }
  })

  it("says nothing of that while somebody is", async () => {
    const key = await newKey(service)
    await onAir(service, key.key_value, "live/somebody")
    expect((await call(service, "GET", "/streams")).json).not.toHaveProperty("message")
    expect((await call(service, "GET", "/streams?path=live/nobody")).json.message).toBe("No stream matches.")
  })
})

const noTrack = {
  profile: null,
  level: null,
  tier: null,
  width: null,
  height: null,
  sample_rate: null,
  channel_count: null,
  bit_depth: null,
  mu_law: null
}
const noUrls = { hls: null, webrtc: null, rtmp: null, rtsp: null, srt: null }

describe("a stream that is connecting", () => {
  it("has no URL yet: there is nothing to play", async () => {
    const { key_value } = await newKey(service)
    const admitted = await call(service, "POST", "/auth", {
      secret: null,
      body: await connectedCall(service, key_value, "live/connecting")
    })
    const { json } = await call(service, "GET", `/streams/${admitted.json.stream_id}`)
    expect([json.status, json.urls]).toEqual(["connecting", noUrls])
    const list = await call(service, "GET", "/streams?status=connecting&path=live/connecting")
    expect(list.json.streams[0].urls).toEqual(noUrls)
  })
})

describe("a stream's tracks", () => {
  it("are told in one naming, whatever the codec", async () => {
    const key = await newKey(service)
    const publisher = await service.run(
      service.media.publishAsked({
        protocol: "rtsp",
        path: "live/codecs",
        password: key.key_value,
        tracks: [
          { codec: "AV1", profile: 0, level: 8, tier: 1, width: 10, height: 20 },
          { codec: "G711", muLaw: true, sampleRate: 8000, channelCount: 1 },
          { codec: "LPCM", bitDepth: 16, sampleRate: 48000, channelCount: 2, someDay: { aNewField: 1 } },
          { codec: "KLV" }
        ]
      })
    )
    expect(await service.run(publisher.ready)).toBe(true)
    const read = async () => (await call(service, "GET", "/streams?path=live/codecs")).json.streams[0]
    await expect.poll(async () => (await read())?.tracks.length).toBe(4)
    const stream = await read()
    expect(stream.tracks).toEqual([
      { ...noTrack, codec: "AV1", profile: "0", level: "8", tier: 1, width: 10, height: 20 },
      { ...noTrack, codec: "G711", mu_law: true, sample_rate: 8000, channel_count: 1 },
      { ...noTrack, codec: "LPCM", bit_depth: 16, sample_rate: 48000, channel_count: 2 },
      { ...noTrack, codec: "KLV" }
    ])
    expect([stream.urls.rtmp, typeof stream.urls.rtsp]).toEqual([null, "string"])
    expect([stream.unplayable.rtmp, stream.unplayable.rtsp]).toEqual(["codec", null])
  })
})

describe("a live stream", () => {
  it("is told whole, with its broadcaster and where it plays", async () => {
    const key = await newKey(service, { label: "Main camera" })
    const { stream, publisher } = await onAir(service, key.key_value, "live/whole")
    expect(stream).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      stream_key_id: key.id,
      broadcaster: { id: key.broadcaster_id, display_name: "Studio One" },
      path: "live/whole",
      status: "active",
      title: "Main camera",
      description: null,
      metadata: {},
      protocol: "rtmp",
      source_type: "rtmpConn",
      source_id: publisher.id,
      started_at: expect.any(String),
      ready_at: expect.any(String),
      ended_at: null,
      end_reason: null,
      ending: null,
      duration_seconds: expect.any(Number),
      recording_ref: null,
      playback: "public",
      viewer_count: 0,
      tracks: [
        { ...noTrack, codec: "H264", width: 160, height: 90, profile: "Baseline", level: "1.1" },
        { ...noTrack, codec: "MPEG-4 Audio", sample_rate: 44100, channel_count: 1 }
      ],
      inbound_bytes: expect.any(Number),
      urls: {
        hls: "https://media.example.com/live/whole/index.m3u8",
        webrtc: "https://media.example.com/live/whole/whep",
        rtmp: "rtmp://media.example.com/live/whole",
        rtsp: "rtsp://media.example.com:8554/live/whole",
        srt: "srt://media.example.com:8890?streamid=read:live/whole"
      },
      unplayable: { hls: null, webrtc: null, rtmp: null, rtsp: null, srt: null },
      state_as_of: expect.any(String)
    })
    expect(Number.isInteger(stream.duration_seconds)).toBe(true)
    const details = (await call(service, "GET", `/streams/${stream.id}`)).json
    expect(details.broadcaster).toEqual({
      id: key.broadcaster_id,
      external_id: null,
      display_name: "Studio One",
      contact: null,
      metadata: {}
    })
    const { broadcaster: _, state_as_of, duration_seconds, inbound_bytes, ...same } = details
    expect(stream).toMatchObject(same)
  })

  it("is annotated in what is given alone", async () => {
    const key = await newKey(service)
    const { stream } = await onAir(service, key.key_value, "live/annotated")
    const say = async (body: object) => (await call(service, "PATCH", `/streams/${stream.id}`, { body })).json
    expect(await say({ title: "T", description: "two\nlines" })).toMatchObject({
      title: "T",
      description: "two\nlines"
    })
    expect(await say({ metadata: { a: 1 }, recording_ref: "s3://x" })).toMatchObject({
      title: "T",
      metadata: { a: 1 },
      recording_ref: "s3://x"
    })
    expect(await say({ title: null, metadata: null })).toMatchObject({
      title: null,
      metadata: {},
      description: "two\nlines"
    })
  })

  it("is stopped with its key left good, and read as history", async () => {
    const key = await newKey(service)
    const { stream, publisher } = await onAir(service, key.key_value, "live/stopped")
    expect((await call(service, "DELETE", `/streams/${stream.id}`)).status).toBe(204)
    expect(await service.run(publisher.closed)).toBe("kicked")
    const past = (await call(service, "GET", `/streams/${stream.id}`)).json
    expect(past).toMatchObject({
      status: "inactive",
      end_reason: "stopped",
      ended_at: expect.any(String),
      ending: null,
      urls: { hls: null, webrtc: null, rtmp: null, rtsp: null, srt: null },
      unplayable: {
        hls: "not_active",
        webrtc: "not_active",
        rtmp: "not_active",
        rtsp: "not_active",
        srt: "not_active"
      }
    })
    expect((await call(service, "DELETE", `/streams/${stream.id}`)).status).toBe(204)
    expect((await call(service, "GET", `/stream-keys/${key.id}`)).json.status).toBe("active")
    const history = (await call(service, "GET", `/streams?status=inactive&stream_key_id=${key.id}`)).json
    expect(history.streams.map((one: { id: string }) => one.id)).toEqual([stream.id])
  })

  it("is stopped with 202 and itself while that cannot be confirmed", async () => {
    const key = await newKey(service)
    const { stream } = await onAir(service, key.key_value, "live/stopped-late")
    await service.run(service.freeze)
    const stopped = await call(service, "DELETE", `/streams/${stream.id}`)
    await service.run(service.thaw)
    expect(stopped.status).toBe(202)
    expect(stopped.json).toMatchObject({ id: stream.id, status: "active", ending: { reason: "stopped" } })
  })
})

describe("events", () => {
  it("are told in order, by pages, without a gap", async () => {
    const key = await newKey(service)
    const { stream } = await onAir(service, key.key_value, "live/events")
    await call(service, "DELETE", `/streams/${stream.id}`)
    const all = (await call(service, "GET", `/streams/${stream.id}/events`)).json
    expect(all.events.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3, 4, 5])
    expect(all.events.map(({ type, data }: { type: string; data: object }) => [type, data])).toEqual([
      ["admitted", {}],
      ["ready", { source_type: "rtmpConn" }],
      ["stop_requested", { reason: "stopped" }],
      ["kicked", {}],
      ["ended", { reason: "stopped" }]
    ])
    expect([all.count, all.next_cursor]).toEqual([5, null])
    const first = (await call(service, "GET", `/streams/${stream.id}/events?limit=3`)).json
    expect(first.count).toBe(3)
    const rest = (await call(service, "GET", `/streams/${stream.id}/events?limit=2&cursor=${first.next_cursor}`)).json
    expect([...first.events, ...rest.events]).toEqual(all.events)
    expect(rest.next_cursor).toBeNull()
  })
})

describe("the list", () => {
  it("has all active streams unless a limit is given, and pages of the others", async () => {
    const crowded = await start()
    try {
      await authenticateThrough(crowded)
      // Nobody is on that media server. While it does not answer, what was admitted stays connecting.
      await crowded.run(crowded.freeze)
      const { broadcaster_id } = await newKey(crowded)
      for (let index = 0; index < 60; index++) {
        const body = { broadcaster_id, path: null }
        const key = (await call(crowded, "POST", "/stream-keys", { body })).json
        await call(crowded, "POST", "/auth", {
          secret: null,
          body: publishCall(key.key_value, { path: `live/${index}` })
        })
      }
      const list = async (query: string) => (await call(crowded, "GET", `/streams?status=${query}`)).json
      for (const status of ["connecting", "connecting,active"]) {
        const whole = await list(status)
        expect([status, whole.count, whole.next_cursor]).toEqual([status, 60, null])
      }
      const every = "connecting,active,inactive"
      const page = await list(every)
      expect([page.count, typeof page.next_cursor]).toEqual([50, "string"])
      const more = await list(`${every}&cursor=${page.next_cursor}`)
      expect([more.count, more.next_cursor]).toEqual([10, null])
      const limited = await list(`${every}&limit=200`)
      expect([limited.count, limited.next_cursor]).toEqual([60, null])
      const ids = new Set([...page.streams, ...more.streams].map((one: { id: string }) => one.id))
      expect(ids.size).toBe(60)
    } finally {
      await crowded.close()
    }
  })

  it("has a tag, and no body for a client that has it already", async () => {
    const { id } = (await call(service, "GET", "/streams?status=connecting,active,inactive")).json.streams[0]
    const list = (ifNoneMatch: string) =>
      call(service, "GET", "/streams?status=connecting,active,inactive", { headers: { "if-none-match": ifNoneMatch } })
    // The media server is looked at meanwhile, and a look may change a stream between two answers.
    const untilUnchanged = async () => {
      for (let tag = ""; ; ) {
        const answer = await list(tag)
        if (answer.status === 304) return answer
        tag = answer.headers.get("etag") ?? ""
      }
    }
    const known = await untilUnchanged()
    expect([known.status, known.text]).toEqual([304, ""])
    expect(known.headers.get("cache-control")).toBe("private, no-cache")
    expect(known.headers.get("vary")).toBe("Accept-Encoding")
    expect(known.headers.get("x-request-id")).toBeTruthy()
    const tag = known.headers.get("etag") ?? ""
    expect(tag).toMatch(/^W\/"/)
    await call(service, "PATCH", `/streams/${id}`, { body: { title: "Another title" } })
    const changed = await list(tag)
    expect([changed.status, changed.headers.get("content-encoding")]).toEqual([200, "gzip"])
    expect(changed.json.streams[0].title).toBe("Another title")
    const head = await call(service, "HEAD", "/streams?status=connecting,active,inactive")
    expect([head.status, head.text, head.headers.get("content-encoding")]).toEqual([200, "", "gzip"])
    const refused = await call(service, "GET", "/streams", { secret: "wrong", headers: { "if-none-match": "*" } })
    expect(refused.status).toBe(401)
  })

  it("of active streams is whole past the default limit", async () => {
    const crowded = await start()
    try {
      await authenticateThrough(crowded)
      const { broadcaster_id } = await newKey(crowded)
      for (let index = 0; index < 55; index++) {
        const key = (await call(crowded, "POST", "/stream-keys", { body: { broadcaster_id, path: null } })).json
        await crowded.run(crowded.media.publish({ protocol: "rtmp", path: `live/${index}`, password: key.key_value }))
      }
      await expect.poll(async () => (await call(crowded, "GET", "/streams")).json.count, { interval: 50 }).toBe(55)
      const whole = (await call(crowded, "GET", "/streams")).json
      expect([whole.next_cursor, whole.message]).toEqual([null, undefined])
      const page = (await call(crowded, "GET", "/streams?limit=20")).json
      expect([page.count, typeof page.next_cursor]).toEqual([20, "string"])
      const one = (await call(crowded, "GET", `/streams?path=live/7&broadcaster_id=${broadcaster_id}`)).json
      expect(one.streams.map(({ path }: { path: string }) => path)).toEqual(["live/7"])
    } finally {
      await crowded.close()
    }
  })
})
