/**
 * A private stream on the real thing: every player plays it by a token's URLs, is counted and listed, stops when the token is revoked while the others play
 * on, and cannot come back. Without a token none plays. The times stand in the table at the end.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import type { IssuedKey } from "../worlds/Api.ts"
import { browserBinary } from "../worlds/browser.ts"
import { ffmpegEncoder, makeClip } from "../worlds/ffmpegEncoder.ts"
import { makeMeasurements } from "../worlds/Measurements.ts"
import {
  ffmpegPlayer,
  gstreamerBinary,
  gstreamerPlayer,
  hlsJsPlayer,
  type Player,
  type TokenUrls,
  whepCrowd,
  whepPlayer
} from "../worlds/players.ts"
import { temporaryFolder } from "../worlds/processes.ts"
import { publicUrls } from "../worlds/realDeployments.ts"
import { missing, type RealMediaMtx, realMediaMtx } from "../worlds/realMediaMtx.ts"
import { API_SECRET, authAddress, prepareService } from "../worlds/runService.ts"

const PATH = "live/private"
/** From the revocation to the end of the session on the media server. */
const GONE_WITHIN_MS = 2_000
/** What a player has buffered still plays: hls.js with 1 s segments. */
const BUFFERED_MS = 2_500

const measurements = makeMeasurements()

interface Viewer {
  readonly id: string
  readonly viewer_id: string | null
  readonly token_id: string | null
  readonly path: string
  readonly protocol: string
  readonly ip: string | null
  readonly outbound_bytes: number | null
}
interface Token {
  readonly id: string
  readonly token: string
  readonly urls: TokenUrls
}

const until = <A>(what: string, look: () => A | undefined | false | Promise<A | undefined | false>, millis = 30_000) =>
  Effect.promise(async () => {
    const began = performance.now()
    for (;;) {
      const found = await look()
      if (found !== undefined && found !== false) return { found, took: performance.now() - began }
      if (performance.now() - began > millis) throw new Error(`not after ${millis} ms: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })

type Way = (urls: TokenUrls, library: string) => Effect.Effect<Player, never, Scope.Scope>

/** Each player with the URL that is meant for it, and the same without a token. */
const ways: ReadonlyArray<{
  readonly name: string
  readonly protocol: string
  readonly runs: boolean
  readonly play: Way
  readonly without: Way
}> = [
  {
    name: "ffmpeg over RTSP",
    protocol: "rtsp",
    runs: true,
    play: ({ rtsp }) => ffmpegPlayer(rtsp, ["-rtsp_transport", "tcp"]),
    without: ({ rtsp }) => ffmpegPlayer(rtsp.split("?")[0]!, ["-rtsp_transport", "tcp"])
  },
  {
    name: "GStreamer over RTSP",
    protocol: "rtsp",
    runs: gstreamerBinary !== undefined,
    play: ({ rtsp_basic }) => gstreamerPlayer(rtsp_basic),
    without: ({ rtsp_basic }) => gstreamerPlayer(rtsp_basic.replace(/:[^:@]+@/, ":wrong@"))
  },
  {
    name: "ffmpeg over RTMP",
    protocol: "rtmp",
    runs: true,
    play: ({ rtmp }) => ffmpegPlayer(rtmp),
    without: ({ rtmp }) => ffmpegPlayer(rtmp.split("?")[0]!)
  },
  {
    name: "ffmpeg over SRT",
    protocol: "srt",
    runs: true,
    play: ({ srt }) => ffmpegPlayer(srt),
    without: ({ srt }) => ffmpegPlayer(srt.split(":").slice(0, 4).join(":"))
  },
  {
    name: "ffmpeg over HLS",
    protocol: "hls",
    runs: true,
    play: ({ hls }) => ffmpegPlayer(hls),
    without: ({ hls }) => ffmpegPlayer(hls.split("?")[0]!)
  },
  {
    name: "hls.js with a bearer",
    protocol: "hls",
    runs: browserBinary !== undefined,
    play: ({ hls_bearer: { url, bearer } }, library) => hlsJsPlayer(url, bearer, library),
    without: ({ hls_bearer: { url } }, library) => hlsJsPlayer(url, null, library)
  },
  {
    name: "hls.js with the query",
    protocol: "hls",
    runs: browserBinary !== undefined,
    play: ({ hls }, library) => hlsJsPlayer(hls, null, library),
    without: ({ hls }, library) => hlsJsPlayer(hls.split("?")[0]!, null, library)
  },
  {
    name: "WHEP in Chromium",
    protocol: "webrtc",
    runs: browserBinary !== undefined,
    play: ({ webrtc: { url, bearer } }) => whepPlayer(url, bearer),
    without: ({ webrtc: { url } }) => whepPlayer(url, "a.b.c")
  }
]

const begin = Effect.gen(function* () {
  let mtx: RealMediaMtx | undefined
  const service = yield* prepareService(() => ({ MEDIAMTX_API_URL: mtx!.apiUrl, ...publicUrls(mtx!) }))
  const real = yield* realMediaMtx({
    authHttpAddress: authAddress(service.port),
    protocols: ["rtsp", "rtmp", "srt", "hls", "webrtc"],
    lines: ["hlsVariant: lowLatency"]
  })
  mtx = real
  yield* service.start
  const { api } = service
  const clip = yield* makeClip(yield* temporaryFolder, 30)
  const { body: studio } = yield* api.call<{ readonly id: string }>("POST", "/broadcasters", { display_name: "Studio" })
  const key = (yield* api.call<IssuedKey>("POST", "/stream-keys", {
    broadcaster_id: studio.id,
    path: PATH,
    playback: "token"
  })).body
  yield* ffmpegEncoder(clip, { protocol: "rtmp", url: key.ingest.rtmp } as never, "rtmp")
  const streams = () =>
    Effect.runPromise(
      Effect.map(
        api.call<{ readonly streams: ReadonlyArray<{ readonly status: string; readonly viewer_count: number }> }>(
          "GET",
          `/streams?path=${PATH}`
        ),
        ({ body }) => body.streams
      )
    )
  yield* until("the stream is active", async () => (await streams()).some(({ status }) => status === "active"))
  const token = (viewer: string, more: object = {}) =>
    Effect.map(
      api.call<Token>("POST", "/playback-tokens", { path: PATH, viewer_id: viewer, ...more }),
      ({ body, status }) => {
        assert.strictEqual(status, 201, JSON.stringify(body))
        return body
      }
    )
  const viewers = (query = "") =>
    Effect.runPromise(
      Effect.map(
        api.call<{ readonly viewers: ReadonlyArray<Viewer> }>("GET", `/viewers${query}`),
        ({ body }) => body.viewers
      )
    )
  const authorization = `Basic ${Buffer.from(`greenroom:${API_SECRET}`).toString("base64")}`
  const routes: Readonly<Record<string, string>> = {
    rtsp: "rtspsessions",
    rtmp: "rtmpconns",
    srt: "srtconns",
    hls: "hlssessions",
    webrtc: "webrtcsessions"
  }
  /** Whether the media server still has the session. */
  const isThere = async ({ protocol, id }: Viewer) =>
    (await fetch(`${real.apiUrl}/v3/${routes[protocol]}/get/${id}`, { headers: { authorization } })).status === 200
  const library = yield* Effect.promise(async () => {
    const first = await Effect.runPromise(token("library"))
    const page = new URL(first.urls.hls_bearer.url)
    return await (await fetch(new URL("hls.min.js", page))).text()
  })
  return { service, real, api, key, token, viewers, isThere, library, streams }
})
type Stage = Effect.Success<typeof begin>

const plays = (name: string, player: Player, more = 1) =>
  Effect.gen(function* () {
    const from = player.played()
    yield* until(`${name} plays`, () => {
      if (player.hasEnded()) throw new Error(`${name} has ended: ${player.shown()}`)
      return player.played() > from + more
    })
  })

const listed = ({ viewers }: Stage, viewer: string) =>
  Effect.map(
    until(`${viewer} is listed`, async () => (await viewers(`?viewer_id=${viewer}`))[0]),
    ({ found }) => found
  )

/** Nothing of a token is in what was written. */
const assertNoToken = ({ service }: Stage, tokens: ReadonlyArray<Token>) => {
  for (const { token } of tokens) {
    const signature = token.split(".")[2]!
    assert.notInclude(service.printed(), signature)
  }
}

const oneRevoked = Effect.fnUntraced(function* (stage: Stage, way: (typeof ways)[number]) {
  const { api, token, isThere, streams, library } = stage
  const [mine, other] = [yield* token(`me-${way.protocol}`), yield* token("neighbour")]
  const neighbour = yield* ffmpegPlayer(other.urls.rtsp, ["-rtsp_transport", "tcp"])
  yield* plays("the neighbour", neighbour)
  const player = yield* way.play(mine.urls, library)
  yield* plays(way.name, player)
  const viewer = yield* listed(stage, `me-${way.protocol}`)
  assert.deepStrictEqual(
    [viewer.protocol, viewer.path, viewer.token_id, viewer.ip],
    [way.protocol, PATH, mine.id, "127.0.0.1"]
  )
  yield* until("the count is right", async () => (await streams())[0]?.viewer_count === 2, 10_000)
  const revokedAt = performance.now()
  assert.strictEqual((yield* api.call("DELETE", `/playback-tokens/${mine.id}`)).status, 204)
  const { took } = yield* until("its session is gone", async () => !(await isThere(viewer)), 10_000)
  const gone = performance.now() - revokedAt
  measurements.add({ what: "revoked → session gone", of: way.name, millis: gone, promised: GONE_WITHIN_MS })
  assert.isAtMost(took, 10_000)
  const playedAt = player.played()
  yield* plays("the neighbour", neighbour, 30)
  yield* until("the count is right again", async () => (await streams())[0]?.viewer_count === 1, 10_000)
  assert.isAtMost(
    player.lastPlayedAt() - revokedAt,
    GONE_WITHIN_MS + BUFFERED_MS,
    `${way.name} played on from ${playedAt}`
  )
  measurements.add({
    what: "revoked → last picture",
    of: way.name,
    millis: player.lastPlayedAt() - revokedAt,
    promised: null
  })
  yield* player.stop
  const again = yield* way.play(mine.urls, library)
  const decisions = yield* until("its return is refused", async () => {
    const { body } = await Effect.runPromise(
      api.call<{ readonly auth_decisions: ReadonlyArray<{ readonly reason: string }> }>(
        "GET",
        `/auth-decisions?path=${PATH}&reason=playback_token_revoked`
      )
    )
    return body.auth_decisions.length > 0 && body.auth_decisions
  })
  assert.isAtLeast(decisions.found.length, 1)
  assert.strictEqual(again.played(), 0)
  yield* again.stop
  assert.isFalse(neighbour.hasEnded())
  assertNoToken(stage, [mine, other])
})

/** So many viewers of each. */
const CROWD = { rtsp: 45, rtmp: 45, srt: 45, hls: 45, webrtc: 20 } as const
const everyone = (Object.keys(CROWD) as Array<keyof typeof CROWD>).flatMap((protocol) =>
  Array.from({ length: CROWD[protocol] }, (_, index) => ({ protocol, name: `${protocol}-${index}` }))
)

const stillWaiting = (players: ReadonlyMap<string, Player>): string =>
  [...players]
    .filter(([, player]) => player.played() <= 30)
    .map(([name, player]) => `${name} ${player.played()} ${player.hasEnded()} ${player.shown().slice(-200)}`)
    .join("\n")

const TOGETHER = 10

const untilAllPlay = (players: ReadonlyMap<string, Player>) =>
  until("all play", () => [...players.values()].every((player) => player.played() > 30), 120_000).pipe(
    Effect.onError(() => Effect.sync(() => console.log(stillWaiting(players))))
  )

/** All of them, playing and listed. */
const gather = Effect.fnUntraced(function* ({ token, viewers, streams }: Stage) {
  const tokens = new Map<string, Token>()
  for (const { name } of everyone) tokens.set(name, yield* token(name))
  const players = new Map<string, Player>()
  for (const [index, { protocol, name }] of everyone.entries()) {
    if (protocol === "webrtc") continue
    const before = protocol === "rtsp" ? ["-rtsp_transport", "tcp"] : []
    players.set(name, yield* ffmpegPlayer(tokens.get(name)!.urls[protocol], before))
    // Many at once would have their handshakes time out: MediaMTX asks about one after the other.
    if (index % TOGETHER === TOGETHER - 1) yield* untilAllPlay(players)
  }
  const overWhep = everyone.filter(({ protocol }) => protocol === "webrtc")
  const browser = yield* whepCrowd(overWhep.map(({ name }) => tokens.get(name)!.urls.webrtc))
  yield* untilAllPlay(players)
  yield* until("all WHEP viewers play", () => browser.played() === CROWD.webrtc, 120_000)
  yield* until("the count is right", async () => (await streams())[0]?.viewer_count === everyone.length, 20_000)
  const sessions = new Map<string, Viewer>()
  yield* until("all are listed", async () => {
    for (const viewer of await viewers("?limit=200")) {
      if (viewer.viewer_id !== null) sessions.set(viewer.viewer_id, viewer)
    }
    return everyone.every(({ name }) => sessions.has(name))
  })
  return { tokens, players, sessions }
})

/** Every second one is revoked, one after the other; the others play on. */
const crowd = Effect.fnUntraced(function* (stage: Stage) {
  const { api, isThere, streams } = stage
  const { tokens, players, sessions } = yield* gather(stage)
  const revoked = everyone.filter((_, index) => index % 2 === 0)
  const took: Array<number> = []
  for (const { protocol, name } of revoked) {
    const began = performance.now()
    assert.strictEqual((yield* api.call("DELETE", `/playback-tokens/${tokens.get(name)!.id}`)).status, 204)
    yield* until(`${name} is gone`, async () => !(await isThere(sessions.get(name)!)), 10_000)
    const millis = performance.now() - began
    took.push(millis)
    measurements.add({ what: "revoked → gone, of 200", of: protocol, millis, promised: GONE_WITHIN_MS })
  }
  const staying = everyone.filter((one) => !revoked.includes(one))
  const before = new Map([...players].map(([name, player]) => [name, player.played()]))
  const goesOn = (name: string) => {
    const player = players.get(name)
    return player === undefined || player.played() > before.get(name)! + 30
  }
  yield* until("the others play on", () => staying.every(({ name }) => goesOn(name)))
  for (const { name } of staying) assert.isTrue(yield* Effect.promise(() => isThere(sessions.get(name)!)), name)
  yield* until("the count is right again", async () => (await streams())[0]?.viewer_count === staying.length, 15_000)
  const sorted = took.sort((a, b) => a - b)
  assert.isAtMost(sorted[Math.ceil(sorted.length * 0.99) - 1]!, GONE_WITHIN_MS)
  assertNoToken(stage, [...tokens.values()])
})

const scene = (name: string, play: (stage: Stage) => Effect.Effect<void, unknown, Scope.Scope>, runs = true) =>
  (runs ? it.live : it.live.skip)(name, () =>
    Effect.gen(function* () {
      const stage = yield* begin
      yield* Effect.onError(play(stage), () =>
        Effect.flatMap(stage.real.log, (log) =>
          Effect.sync(() =>
            console.log([...stage.service.printed().split("\n").slice(-40), log.slice(-3_000)].join("\n"))
          )
        )
      )
      assert.deepStrictEqual(stage.service.api.leaks(), [])
    })
  )

if (missing.length > 0) {
  console.warn(`Viewers: not run, no ${missing.join(" and no ")} in PATH`)
  describe("viewers", () => it.skip("on the real thing", () => {}))
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  describe("a private stream", () => {
    for (const way of ways) {
      scene(
        `plays over its token's URL, and stops when that is revoked: ${way.name}`,
        (stage) => oneRevoked(stage, way),
        way.runs
      )
    }

    scene("plays for nobody without a token", (stage) =>
      Effect.gen(function* () {
        const { token, library, viewers } = stage
        const { urls } = yield* token("somebody")
        const strangers = yield* Effect.forEach(
          ways.filter(({ runs }) => runs),
          (way) => way.without(urls, library)
        )
        // Each gives up when it is refused.
        for (const stranger of strangers) yield* until("it has given up", () => stranger.hasEnded(), 60_000)
        for (const stranger of strangers) assert.strictEqual(stranger.played(), 0, stranger.shown())
        assert.deepStrictEqual(yield* Effect.promise(() => viewers()), [])
      })
    )

    scene(
      "of two hundred viewers each goes within two seconds of its token's revocation, and the others play on",
      (stage) => crowd(stage),
      browserBinary !== undefined
    )

    scene(
      "a kicked viewer may come back, a revoked one may not; a stream that turns private keeps those with a token",
      (stage) =>
        Effect.gen(function* () {
          const { api, key, token, isThere } = stage
          assert.strictEqual((yield* api.call("PATCH", `/stream-keys/${key.id}`, { playback: "public" })).status, 200)
          const named = yield* token("named")
          const player = yield* ffmpegPlayer(named.urls.rtmp)
          const nameless = yield* ffmpegPlayer(named.urls.rtmp.split("?")[0]!)
          yield* plays("the named one", player)
          yield* plays("the nameless one", nameless)
          assert.strictEqual((yield* api.call("PATCH", `/stream-keys/${key.id}`, { playback: "token" })).status, 200)
          const { took } = yield* until("the nameless one is off", () => nameless.hasEnded())
          measurements.add({
            what: "turned private → off",
            of: "ffmpeg over RTMP",
            millis: took,
            promised: GONE_WITHIN_MS
          })
          yield* plays("the named one", player, 30)
          const viewer = yield* listed(stage, "named")
          assert.strictEqual((yield* api.call("DELETE", `/viewers/${viewer.id}`)).status, 204)
          yield* until("its session is gone", async () => !(await isThere(viewer)))
          const back = yield* ffmpegPlayer(named.urls.rtmp)
          yield* plays("it, again", back)
          assert.strictEqual((yield* api.call("POST", "/viewers/named/revoke", {})).status, 200)
          yield* until("it is off", () => back.hasEnded())
          const never = yield* ffmpegPlayer(named.urls.rtmp)
          yield* until("it is refused", () => never.hasEnded())
          assert.strictEqual(never.played(), 0)
        })
    )
  })
}
