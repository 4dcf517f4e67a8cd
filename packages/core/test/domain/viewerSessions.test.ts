/** The viewers' sessions from snapshot to snapshot: who counts, who has to leave, and what is written, each once. */
import { assert, describe, it } from "@effect/vitest"
import type { Departure, ListedReader, TokenGrant, Viewer, ViewerProtocol } from "@greenroom/core"
import { noRevocations } from "@greenroom/core"
import { Arbitrary, DateTime } from "effect"
import {
  changesToRecord,
  followListed,
  idleAfterMillis,
  isCounted,
  kicksDue,
  newSession,
  type Rights,
  type SessionIdentity,
  type ViewerSession,
  whyLeaves,
  withBytes,
  withViewerCounts
} from "../../src/domain/viewers/viewerSessions.ts"
import { boolean, cases, element, integer, oneOf } from "../support/arbitraries.ts"
import { ID, NOW_SECONDS, OTHER_ID } from "../support/playback.ts"

const NOW = 100_000

const grant = (more: Partial<TokenGrant> = {}): TokenGrant => ({
  tokenId: ID,
  signingKeyId: "k1",
  viewerId: null,
  issuedAt: NOW_SECONDS - 60,
  expiresAt: NOW_SECONDS + 60,
  maxSessions: null,
  coverage: { _tag: "Pattern", pattern: "**" },
  ...more
})

const viewer = (listed: ListedReader, of: TokenGrant | null, since: number, isCdn = false): Viewer => ({
  ...listed,
  streamId: null,
  broadcasterId: null,
  ip: null,
  userAgent: null,
  since: DateTime.makeUnsafe(since),
  grant: of,
  isCdn
})

const grants = element<TokenGrant | null>([
  null,
  grant(),
  grant({ maxSessions: 1 }),
  grant({ maxSessions: 2 }),
  grant({ maxSessions: 1, tokenId: OTHER_ID }),
  grant({ expiresAt: NOW_SECONDS - 60 })
])

const sessionAt = (index: number): Arbitrary.Arbitrary<ViewerSession> =>
  Arbitrary.map(
    Arbitrary.all({
      protocol: element<ViewerProtocol>(["rtsp", "hls", "webrtc"]),
      path: element(["live/a", "live/x/in"]),
      of: grants,
      since: integer(0, 5),
      kind: element(["viewer", "viewer", "worker", "unknown"] as const),
      isCdn: element([false, false, true]),
      isIdle: element([false, false, true]),
      isRecorded: boolean,
      kicked: oneOf<ViewerSession["kicked"]>([
        element([null]),
        element([null]),
        element<ViewerSession["kicked"]>([
          { at: NOW - 100, why: "kicked" },
          { at: NOW - 5_000, why: "kicked" }
        ])
      ])
    }),
    ({ protocol, path, of, since, kind, isCdn, isIdle, isRecorded, kicked }): ViewerSession => {
      const listed: ListedReader = { protocol, id: `session-${index}`, path }
      const identity: SessionIdentity =
        kind === "viewer"
          ? { _tag: "Viewer", viewer: viewer(listed, of, since, isCdn) }
          : kind === "worker"
            ? { _tag: "Worker" }
            : { _tag: "Unknown", asked: null }
      return { ...newSession(listed, identity, NOW + since), isIdle, isRecorded, kicked }
    }
  )

const sessions: Arbitrary.Arbitrary<ReadonlyMap<string, ViewerSession>> = Arbitrary.map(
  Arbitrary.all(Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`${index}`, sessionAt(index)]))),
  (drawn) => new Map(Object.values(drawn).map((session) => [session.listed.id, session]))
)

const rights = (policy: "public" | "token"): Rights => ({
  factsOf: () => ({ policy, broadcasterId: null, streamId: null }),
  revocations: noRevocations,
  hasKey: () => true,
  seconds: NOW_SECONDS
})

const grantIn = ({ identity }: ViewerSession) => (identity._tag === "Viewer" ? identity.viewer.grant : null)

describe("who has to leave", () => {
  it.prop(
    "nobody on a public path, but for what a token allows at once",
    [sessions],
    ([all]) => {
      for (const { session, why } of kicksDue(all, rights("public"), NOW)) {
        assert.isTrue(session.kicked !== null || why === "too_many_sessions")
      }
    },
    cases(300)
  )

  it.prop(
    "never a worker, a CDN or a session of which nothing is known; each that may not stay, once; and again when its kick did not help",
    [sessions],
    ([all]) => {
      const due = kicksDue(all, rights("token"), NOW)
      const kicked = new Set(due.map(({ session }) => session.listed.id))
      assert.strictEqual(kicked.size, due.length)
      for (const [id, session] of all) {
        if (session.kicked !== null) {
          assert.strictEqual(kicked.has(id), NOW - session.kicked.at >= 2_000)
          continue
        }
        const { identity } = session
        const isLetBe = identity._tag !== "Viewer" || identity.viewer.isCdn
        if (isLetBe) assert.isNull(whyLeaves(session, rights("token")))
        if (whyLeaves(session, rights("token")) !== null) assert.isTrue(kicked.has(id))
      }
    },
    cases(500)
  )

  it.prop(
    "of a token's sessions as many stay as it allows, and those are the newest",
    [sessions],
    ([all]) => {
      const due = kicksDue(all, rights("public"), NOW).filter(({ why }) => why === "too_many_sessions")
      const gone = new Set(due.map(({ session }) => session.listed.id))
      for (const tokenId of [ID, OTHER_ID]) {
        const own = [...all.values()].filter((one) => grantIn(one)?.tokenId === tokenId && isCounted(one))
        const limited = own.filter((one) => grantIn(one)?.maxSessions !== null)
        const [first] = limited
        if (first === undefined) continue
        const max = grantIn(first)!.maxSessions!
        const staying = limited.filter(({ listed }) => !gone.has(listed.id))
        assert.strictEqual(staying.length, Math.min(max, limited.length))
        const left = limited.filter(({ listed }) => gone.has(listed.id))
        const since = (one: ViewerSession) =>
          one.identity._tag === "Viewer" ? one.identity.viewer.since.epochMilliseconds : NOW
        for (const out of left) for (const one of staying) assert.isAtMost(since(out), since(one))
      }
    },
    cases(500)
  )
})

describe("what is written", () => {
  const apply = (all: ReadonlyMap<string, ViewerSession>, gone: ReadonlyArray<ViewerSession>) => {
    const changes = changesToRecord(all, gone, new Map<string, Departure>())
    const next = new Map(all)
    for (const { id } of changes.joined) next.set(id, { ...next.get(id)!, isRecorded: true })
    for (const { id } of changes.left) {
      const session = next.get(id)
      if (session !== undefined) next.set(id, { ...session, isRecorded: false })
    }
    return { changes, next }
  }

  it.prop(
    "is everything that changed, once: writing it again writes nothing, and those that count are those that are recorded",
    [sessions],
    ([all]) => {
      const { changes, next } = apply(all, [])
      assert.deepStrictEqual(apply(next, []).changes, { joined: [], left: [] })
      for (const session of next.values()) {
        assert.strictEqual(
          session.isRecorded,
          isCounted(session) && session.identity._tag === "Viewer" ? true : session.isRecorded && isCounted(session)
        )
      }
      const ids = [...changes.joined.map(({ id }) => id), ...changes.left.map(({ id }) => id)]
      assert.strictEqual(new Set(ids).size, ids.length)
    },
    cases(500)
  )

  it.prop(
    "that was not answered is written again, as it is by then: who counts joins, who does not leaves, who is gone has left",
    [sessions, integer(0, 6)],
    ([all, staying]) => {
      const unsure = new Map([...all].map(([id, one]) => [id, { ...one, isRecorded: "perhaps" as const }]))
      const readers = [...all.values()].slice(0, staying).map(({ listed }) => listed)
      const followed = followListed(unsure, readers, () => ({ _tag: "Unknown", asked: null }), NOW)
      const { changes } = apply(followed.sessions, followed.gone)
      const counted = [...followed.sessions.values()].filter(isCounted)
      assert.deepStrictEqual(
        changes.joined.map(({ id }) => id),
        counted.filter(({ identity }) => identity._tag === "Viewer").map(({ listed }) => listed.id)
      )
      assert.sameMembers(
        changes.left.map(({ id }) => id),
        [...all.keys()].filter((id) => counted.every(({ listed }) => listed.id !== id))
      )
    },
    cases(200)
  )

  it.prop(
    "what is not listed any more has left, if it was recorded",
    [sessions, integer(0, 6)],
    ([all, staying]) => {
      const readers = [...all.values()].slice(0, staying).map(({ listed }) => listed)
      const { sessions: next, gone } = followListed(all, readers, () => ({ _tag: "Unknown", asked: null }), NOW)
      assert.deepStrictEqual(
        [...next.keys()],
        readers.map(({ id }) => id)
      )
      const left = [...all.values()].slice(staying).filter(({ isRecorded }) => isRecorded)
      assert.deepStrictEqual(gone, left)
      const written = changesToRecord(new Map(), gone, new Map<string, Departure>()).left
      assert.deepStrictEqual(
        written,
        left.map(({ listed, kicked }) => ({ id: listed.id, why: kicked?.why ?? "left" }))
      )
    },
    cases(200)
  )
})

describe("an HLS session", () => {
  const listed: ListedReader = { protocol: "hls", id: "h", path: "live/a" }
  const first = newSession(listed, { _tag: "Viewer", viewer: viewer(listed, null, 0) }, 0)

  it.prop(
    "counts exactly while what it reads has grown within the last three segments, or 5 s",
    [Arbitrary.array(boolean, { minLength: 1, maxLength: 12 }), element([1_000, 2_000, 6_000, null])],
    ([reads, segment]) => {
      const idleAfter = idleAfterMillis(segment)
      assert.strictEqual(idleAfter, Math.max(5_000, 3 * (segment ?? 0)))
      let session = first
      let bytes = 0
      let grewAt = 0
      reads.forEach((hasRead, index) => {
        const now = index * 3_000
        if (hasRead) bytes += 1_000
        if (hasRead || index === 0) grewAt = now
        session = withBytes(session, bytes, idleAfter, now)
        assert.strictEqual(isCounted(session), now - grewAt <= idleAfter)
      })
    },
    cases(300)
  )

  it("whose bytes are not known counts", () => {
    assert.isTrue(isCounted(withBytes(first, undefined, 5_000, 60_000)))
    assert.isTrue(isCounted(withBytes(first, null, 5_000, 60_000)))
  })
})

describe("the snapshot", () => {
  it.prop(
    "shows on each path the sessions that count, each once",
    [sessions],
    ([all]) => {
      const readers = [...all.values()].map(({ listed }) => listed)
      const observation = { tracks: [], viewerCount: 99, inboundBytes: 0 }
      const paths = ["live/a", "live/x/in", "live/none"].map((name) => ({
        name,
        ready: true,
        sourceType: "rtmpConn",
        sourceId: name,
        observation
      }))
      const snapshot = { started: "now", sources: [], paths, ownPaths: [], readers }
      const shown = withViewerCounts(snapshot, ({ id }) => isCounted(all.get(id)!))
      for (const { name, observation: seen } of shown.paths) {
        const counted = [...all.values()].filter((session) => session.listed.path === name && isCounted(session))
        assert.strictEqual(seen.viewerCount, counted.length)
      }
    },
    cases(200)
  )
})
