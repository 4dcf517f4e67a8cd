/** What a hook may be believed to say, on every kind of session: nothing of others, nothing that a secret should have said, no pause for an end. */
import { assert, describe, it } from "@effect/vitest"
import type { Hook, StoredSession } from "@greenroom/core"
import { Arbitrary } from "effect"
import { interpretHook } from "../../src/domain/reconciliation/interpretHook.ts"
import { at, boolean, cases, element, keyId, NOW, oneOf, streamId } from "../support/arbitraries.ts"

const session: Arbitrary.Arbitrary<StoredSession> = Arbitrary.map(
  Arbitrary.all({
    n: element([0, 1, 2]),
    path: element(["live/a", "live/b"]),
    protocol: element(["rtmp", "srt", "webrtc", "rtsp", "rtsps", null]),
    active: boolean,
    age: element([60_000, 0, 1_999, 2_000, -1]),
    ending: element([null, null, "revoked", "superseded"])
  }),
  ({ n, path, protocol, active, age, ending }): StoredSession => {
    const startedAt = at(-age)
    const stop = ending === null ? null : { reason: ending, requestedAt: NOW, kickedAt: null }
    return {
      streamId: streamId(n),
      streamKeyId: keyId(n),
      path,
      source: { protocol, id: `source-${n}` },
      state: active
        ? { _tag: "Active", startedAt, readyAt: startedAt, sourceType: "rtmpConn", ending: stop }
        : { _tag: "Connecting", startedAt, ending: stop }
    }
  }
)

const hook: Arbitrary.Arbitrary<Hook> = Arbitrary.all({
  kind: element(["ready", "not_ready"]),
  path: element(["live/a", "live/b", "live/c"]),
  sourceId: oneOf<string | undefined>([element(["source-0", "source-1", "source-9"]), element([undefined])]),
  sourceType: element(["srtConn", undefined, "rtmp", "", "sk_secret", `${"x".repeat(99)}Conn`, "rtspSource"]),
  protected: boolean
})

/** Nobody has the stream, or the source, of another. */
const scene = Arbitrary.all({
  hook,
  sessions: Arbitrary.map(Arbitrary.array(session, { maxLength: 4 }), (drawn) => [
    ...new Map(drawn.map((one) => [one.streamId, one])).values()
  ])
})
const judged = ({ hook, sessions }: { hook: Hook; sessions: ReadonlyArray<StoredSession> }) => {
  const belief = interpretHook(hook, sessions, NOW)
  return { belief, of: sessions.find(({ streamId }) => streamId === belief?.streamId) }
}
const pauses = ({ source: { protocol } }: StoredSession) =>
  protocol === "rtsp" || protocol === "rtsps" || protocol === null

describe("what is believed of a hook", () => {
  it.prop(
    "is nothing when its source is the media server's own: that is no session's",
    [scene],
    ([drawn]) => {
      if (drawn.hook.sourceType === "rtspSource") assert.isNull(judged(drawn).belief)
    },
    cases(1_000)
  )

  it.prop(
    "speaks of a session on its path, and of its source's alone where it names one",
    [scene],
    ([drawn]) => {
      const { belief, of } = judged(drawn)
      if (belief === null) return
      const { path, sourceId } = drawn.hook
      assert.isTrue(drawn.sessions.some((one) => one.streamId === belief.streamId && one.path === path))
      if (sourceId !== undefined) assert.strictEqual(of!.source.id, sourceId)
    },
    cases(1_000)
  )

  it.prop(
    "ends a session only with a secret, only by not-ready, and no RTSP session that nobody stops: it may pause",
    [scene],
    ([drawn]) => {
      const { belief, of } = judged(drawn)
      if (belief?._tag !== "End") return
      assert.isTrue(drawn.hook.protected && drawn.hook.kind === "not_ready")
      assert.isTrue(!pauses(of!) || of!.state.ending !== null)
    },
    cases(1_000)
  )

  it.prop(
    "ends for a path's not-ready only what had been ready for longer than hooks race",
    [scene],
    ([drawn]) => {
      const { belief, of } = judged(drawn)
      if (belief?._tag !== "End" || drawn.hook.sourceId !== undefined) return
      assert.isTrue(of!.state._tag === "Active" && at(-2_000).epochMilliseconds >= of!.state.readyAt.epochMilliseconds)
      assert.notStrictEqual(of!.state.ending?.reason, "superseded")
    },
    cases(1_000)
  )

  it.prop(
    "makes ready whoever was connecting when it was heard, with a type that is one",
    [scene],
    ([drawn]) => {
      const { belief, of } = judged(drawn)
      if (belief?._tag !== "Ready") return
      assert.strictEqual(drawn.hook.kind, "ready")
      assert.strictEqual(of!.state._tag, "Connecting")
      assert.match(belief.sourceType, /^([A-Za-z]{1,32}(Conn|Session|Source)|unknown)$/)
      if (drawn.hook.sourceId === undefined)
        assert.isAtMost(of!.state.startedAt.epochMilliseconds, NOW.epochMilliseconds)
    },
    cases(1_000)
  )

  it("says everything that it may", () => {
    const one = (more: Partial<StoredSession>): StoredSession => ({
      streamId: streamId(1),
      streamKeyId: keyId(1),
      path: "live/a",
      source: { protocol: "rtmp", id: "source-1" },
      state: { _tag: "Connecting", startedAt: at(-5_000), ending: null },
      ...more
    })
    const active = {
      _tag: "Active",
      startedAt: at(-5_000),
      readyAt: at(-3_000),
      sourceType: "rtmpConn",
      ending: null
    } as const
    const say = (more: Partial<Hook>, session: StoredSession) =>
      interpretHook({ kind: "ready", path: "live/a", protected: true, ...more }, [session], NOW)
    const ready = { _tag: "Ready", streamId: streamId(1), sourceType: "rtmpConn" } as const
    const ends = { _tag: "End", streamId: streamId(1) } as const
    const named = { sourceId: "source-1" }
    assert.deepStrictEqual(say({ ...named, protected: false }, one({})), ready)
    assert.deepStrictEqual(say({}, one({})), ready)
    assert.deepStrictEqual(say({ ...named, sourceType: "srtConn" }, one({})), { ...ready, sourceType: "srtConn" })
    assert.deepStrictEqual(say({ ...named, kind: "not_ready" }, one({})), ends)
    assert.deepStrictEqual(say({ kind: "not_ready" }, one({ state: active })), ends)
    const rtsp = { source: { protocol: "rtsp", id: "source-1" } } as const
    const stopping = { ...active, ending: { reason: "revoked", requestedAt: NOW, kickedAt: null } } as const
    assert.isNull(say({ ...named, kind: "not_ready" }, one({ ...rtsp, state: active })))
    assert.deepStrictEqual(say({ ...named, kind: "not_ready" }, one({ ...rtsp, state: stopping })), ends)
  })
})
