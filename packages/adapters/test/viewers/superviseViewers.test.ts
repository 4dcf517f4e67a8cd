/** Viewers of every protocol: let in, counted, listed, and off when they have no right any more. */
import { assert, describe, it } from "@effect/vitest"
import {
  changeKey,
  kickViewer,
  removeSigningKey,
  revokePlaybackToken,
  revokeViewer,
  rotateSigningKey,
  ViewerId,
  type ViewerProtocol
} from "@greenroom/core"
import { Effect } from "effect"
import { type Audience, audience, audienceOf, later } from "./audience.ts"

const protocols: ReadonlyArray<ViewerProtocol> = ["hls", "webrtc", "rtmp", "rtsp", "srt"]
const PATH = "live/a"

describe("a viewer", () => {
  it.effect.each(protocols)(
    "over %s is let in with a token alone, counted once, and in the list with its name",
    (protocol) =>
      Effect.gen(function* () {
        const world = yield* audience
        const { broadcasterId } = yield* world.publish(PATH, "token")
        const token = yield* world.token(PATH)
        const stranger = yield* world.watch(protocol, PATH, null)
        assert.isFalse(yield* stranger.admitted)
        const viewer = yield* world.watch(protocol, PATH, token)
        assert.isTrue(yield* viewer.admitted)
        yield* later(2_000)
        assert.strictEqual(yield* world.counted(PATH), 1)
        const [open, ...more] = yield* world.open
        assert.deepStrictEqual(more, [])
        assert.deepStrictEqual(
          [open!.id, open!.protocol, open!.path, open!.broadcasterId, open!.grant?.tokenId, open!.grant?.viewerId],
          [viewer.id, protocol, PATH, broadcasterId, token.stored.id, "user-1"]
        )
        yield* viewer.kill
        yield* later(protocol === "hls" ? 12_000 : 30_000)
        assert.deepStrictEqual(yield* world.open, [])
        assert.strictEqual(yield* world.counted(PATH), 0)
        const events = yield* world.viewerEvents
        assert.deepStrictEqual(
          events.map(({ type, data }) => [type, "why" in data ? data.why : null]),
          [
            ["viewer.joined", null],
            ["viewer.left", protocol === "hls" ? "idle" : "left"]
          ]
        )
      }).pipe(Effect.scoped)
  )

  it.effect.each(protocols)("over %s is off a second after its token was revoked, and cannot come back", (protocol) =>
    Effect.gen(function* () {
      const world = yield* audience
      yield* world.publish(PATH, "token")
      const [token, other] = [yield* world.token(PATH), yield* world.token(PATH)]
      const viewer = yield* world.watch(protocol, PATH, token)
      const neighbour = yield* world.watch(protocol, PATH, other)
      yield* later(2_000)
      yield* world.main.run(revokePlaybackToken(token.stored.id))
      yield* later(1_000)
      const listed = (yield* world.listed).map(({ id }) => id)
      // A killed SRT viewer stays listed until its peer times out.
      if (protocol !== "srt") assert.deepStrictEqual(listed, [neighbour.id])
      assert.deepStrictEqual(
        (yield* world.open).map(({ id }) => id),
        [neighbour.id]
      )
      const again = yield* world.watch(protocol, PATH, token)
      assert.isFalse(yield* again.admitted)
      const left = (yield* world.viewerEvents).filter(({ type }) => type === "viewer.left")
      assert.deepStrictEqual(
        left.map(({ data }) => ["id" in data ? data.id : null, "why" in data ? data.why : null]),
        [[viewer.id, "token_revoked"]]
      )
      const refused = (yield* world.viewerEvents).filter(({ type }) => type === "viewer.refused")
      assert.include(JSON.stringify(refused), "playback_token_revoked")
    }).pipe(Effect.scoped)
  )
})

const openIds = (world: Audience) => Effect.map(world.open, (all) => all.map(({ id }) => id))

describe("the sessions that a right no longer covers", () => {
  const scene = Effect.gen(function* () {
    const world = yield* audience
    const { key } = yield* world.publish(PATH, null)
    const token = yield* world.token(PATH)
    const named = yield* world.watch("webrtc", PATH, token)
    const nameless = yield* world.watch("webrtc", PATH, null)
    yield* later(2_000)
    assert.strictEqual(yield* world.counted(PATH), 2)
    return { world, key, token, named, nameless }
  })
  it.effect("go when a stream turns private: those without a token alone", () =>
    Effect.gen(function* () {
      const { world, key, named } = yield* scene
      yield* world.main.run(changeKey(key.id, { playback: "token" }))
      yield* later(1_500)
      assert.deepStrictEqual(yield* openIds(world), [named.id])
    }).pipe(Effect.scoped)
  )

  it.effect("stay while a stream is public, whatever was revoked", () =>
    Effect.gen(function* () {
      const { world, token, named, nameless } = yield* scene
      yield* world.main.run(revokePlaybackToken(token.stored.id))
      yield* world.main.run(revokeViewer(ViewerId.make("user-1"), null))
      yield* later(5_000)
      assert.sameMembers([...(yield* openIds(world))], [named.id, nameless.id])
    }).pipe(Effect.scoped)
  )

  it.effect("go when the viewer is revoked, when the token expires, and when the key that signed it is removed", () =>
    Effect.gen(function* () {
      const world = yield* audience
      yield* world.publish(PATH, "token")
      const one = yield* world.token(PATH)
      const viewer = yield* world.watch("srt", PATH, one)
      const two = yield* world.token(PATH, { viewerId: ViewerId.make("user-2"), expiresInSeconds: 60 })
      const expiring = yield* world.watch("webrtc", PATH, two)
      const three = yield* world.token(PATH, { viewerId: ViewerId.make("user-3") })
      const third = yield* world.watch("webrtc", PATH, three)
      yield* later(2_000)
      yield* world.main.run(revokeViewer(ViewerId.make("user-1"), null))
      yield* later(1_500)
      assert.sameMembers([...(yield* openIds(world))], [expiring.id, third.id])
      assert.isTrue(yield* viewer.admitted)
      const fresh = yield* world.token(PATH)
      assert.isTrue(yield* (yield* world.watch("webrtc", PATH, fresh)).admitted)
      yield* later(70_000)
      assert.notInclude(yield* openIds(world), expiring.id)
      assert.include(yield* openIds(world), third.id)
      const before = three.stored.signingKeyId
      yield* world.main.run(rotateSigningKey({ overlapSeconds: 3_600 }))
      yield* later(2_000)
      assert.include(yield* openIds(world), third.id)
      assert.strictEqual(yield* world.main.run(removeSigningKey(before as never)), "Removed")
      yield* later(2_000)
      assert.deepStrictEqual(yield* openIds(world), [])
      assert.isFalse(yield* (yield* world.watch("webrtc", PATH, three)).admitted)
    }).pipe(Effect.scoped)
  )

  it.effect("over max_sessions the oldest goes, and the newcomer stays", () =>
    Effect.gen(function* () {
      const world = yield* audience
      yield* world.publish(PATH, "token")
      const token = yield* world.token(PATH, { maxSessions: 2 })
      const first = yield* world.watch("webrtc", PATH, token)
      const second = yield* world.watch("hls", PATH, token)
      yield* later(1_000)
      const third = yield* world.watch("rtmp", PATH, token)
      yield* later(2_000)
      assert.sameMembers([...(yield* openIds(world))], [second.id, third.id])
      const left = (yield* world.viewerEvents).filter(({ type }) => type === "viewer.left")
      assert.deepStrictEqual(
        left.map(({ data }) => ("why" in data ? [data.id, data.why] : [])),
        [[first.id, "too_many_sessions"]]
      )
    }).pipe(Effect.scoped)
  )
})

describe("a name", () => {
  it.effect("of a token that was not sent is refused on a public path, too, so nobody is listed as somebody else", () =>
    Effect.gen(function* () {
      const world = yield* audience
      yield* world.publish(PATH, null)
      const token = yield* world.token(PATH)
      const reader = yield* world.read({ protocol: "hls", path: PATH, query: `v=${token.stored.id}` })
      assert.isFalse(yield* reader.admitted)
      const own = yield* world.watch("webrtc", PATH, token)
      assert.isTrue(yield* own.admitted)
    }).pipe(Effect.scoped)
  )
})

describe("a worker", () => {
  it.effect(
    "on its public source is no viewer, and stays when the source turns private; another's claim to be it does not",
    () =>
      Effect.gen(function* () {
        const world = yield* audience
        const { key } = yield* world.publish("live/x/in", null)
        const keyId = "0a5d6262-0000-4000-8000-000000000001" as never
        world.main.current.workerKeys.set(keyId, "live/x/in")
        const worker = yield* world.read({ protocol: "rtsp", path: "live/x/in", query: `worker=${keyId}` })
        const { key: other } = yield* world.publish("live/y", null)
        const claimant = yield* world.read({ protocol: "rtsp", path: "live/y", query: `worker=${keyId}` })
        yield* later(3_000)
        assert.deepStrictEqual([yield* world.counted("live/x/in"), yield* world.counted("live/y")], [0, 1])
        assert.deepStrictEqual(yield* openIds(world), [claimant.id])
        yield* world.main.run(changeKey(key.id, { playback: "token" }))
        yield* world.main.run(changeKey(other.id, { playback: "token" }))
        yield* later(3_000)
        assert.deepStrictEqual(
          (yield* world.listed).map(({ id }) => id),
          [worker.id]
        )
      }).pipe(Effect.scoped)
  )
})

describe("a media server of before 1.17", () => {
  it.effect("shows no user names: a session over SRT that another instance has let in is let be, and counts", () =>
    Effect.gen(function* () {
      const world = yield* audienceOf("1.15.6")
      yield* world.publish(PATH, "token")
      const follower = yield* world.instance("two", false)
      yield* follower.isAsked
      const token = yield* world.token(PATH)
      const viewer = yield* world.watch("srt", PATH, token)
      const named = yield* world.watch("rtmp", PATH, token)
      yield* later(12_000)
      assert.sameMembers(
        (yield* world.listed).map(({ id }) => id),
        [viewer.id, named.id]
      )
      assert.deepStrictEqual(yield* openIds(world), [named.id])
      assert.strictEqual(yield* world.counted(PATH), 2)
    }).pipe(Effect.scoped)
  )
})

describe("several instances", () => {
  it.effect("know whose a session is that another has let in, and each other's revocations", () =>
    Effect.gen(function* () {
      const world = yield* audience
      yield* world.publish(PATH, "token")
      const follower = yield* world.instance("two", false)
      yield* follower.isAsked
      const tokens = [yield* world.token(PATH), yield* world.token(PATH), yield* world.token(PATH)] as const
      const viewers = [
        yield* world.watch("webrtc", PATH, tokens[0]),
        yield* world.watch("rtsp", PATH, tokens[1]),
        yield* world.watch("srt", PATH, tokens[2])
      ]
      yield* later(2_000)
      const open = yield* world.open
      assert.sameMembers(
        open.map(({ grant }) => grant?.tokenId),
        tokens.map(({ stored }) => stored.id)
      )
      yield* follower.run(revokePlaybackToken(tokens[0].stored.id))
      yield* later(2_000)
      assert.sameMembers(
        (yield* world.open).map(({ id }) => id),
        [viewers[1]!.id, viewers[2]!.id]
      )
      assert.isTrue(yield* follower.run(kickViewer(viewers[1]!.id)))
      yield* later(2_000)
      assert.deepStrictEqual(
        (yield* world.open).map(({ id }) => id),
        [viewers[2]!.id]
      )
    }).pipe(Effect.scoped)
  )
})
