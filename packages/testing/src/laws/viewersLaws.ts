/** The laws of `Viewers`. */
import { randomBytes, randomUUID } from "node:crypto"
import {
  type BroadcasterId,
  Broadcasters,
  type Departure,
  departures,
  isViewerEvent,
  type LoggedEvent,
  type Page,
  type PathLimitText,
  type PlaybackTokenId,
  type Position,
  playbackPolicies,
  Sessions,
  type StreamId,
  StreamKeys,
  type TokenGrant,
  type Viewer,
  type ViewerFilter,
  type ViewerId,
  ViewerProtocol,
  type ViewerRefusal,
  Viewers
} from "@greenroom/core"
import { DateTime, Effect, Option, Schema } from "effect"
import * as assert from "../assert.ts"
import {
  aBroadcaster,
  aKey,
  anAsk,
  aSession,
  aSuccessor,
  later,
  leading,
  newId,
  newPath,
  now,
  takeOver
} from "../fixtures.ts"
import { type AddLaw, type AddProperty, contract, elapse, plain, type StoreUnderTest } from "./contract.ts"
import { eventsFrom } from "./eventsLaws.ts"

const everything = { limit: null, after: null }

const aGrant = (more: Partial<TokenGrant> = {}): TokenGrant => ({
  tokenId: randomBytes(8).toString("hex") as PlaybackTokenId,
  signingKeyId: "a key",
  viewerId: null,
  issuedAt: 1_764_000_000.25,
  expiresAt: 1_764_003_600,
  maxSessions: null,
  coverage: { _tag: "Path", path: "live/one" },
  ...more
})

const aViewer = (more: Partial<Viewer> = {}): Viewer => ({
  id: randomUUID(),
  protocol: "hls",
  path: newPath(),
  streamId: null,
  broadcasterId: null,
  ip: "192.0.2.1",
  userAgent: null,
  since: DateTime.makeUnsafe("2026-01-01T00:00:00.123Z"),
  grant: null,
  isCdn: false,
  ...more
})

const Drawn = Schema.Struct({
  protocol: ViewerProtocol,
  hasStream: Schema.Boolean,
  hasOwner: Schema.Boolean,
  hasGrant: Schema.Boolean,
  isNamed: Schema.Boolean,
  maxSessions: Schema.NullOr(Schema.Literals([1, 1_000_000])),
  ip: Schema.NullOr(Schema.Literals(["192.0.2.1", "2001:db8::1"])),
  userAgent: Schema.NullOr(Schema.Literals(["", "a player 'ö' \"1\""])),
  isCdn: Schema.Boolean,
  why: Schema.Literals(departures)
})

const drawnViewer = ({ protocol, hasStream, hasOwner, hasGrant, isNamed, ...drawn }: typeof Drawn.Type) => {
  const { why: _, maxSessions, ...rest } = drawn
  const viewerId = isNamed ? (`viewer-${randomBytes(4).toString("hex")}` as ViewerId) : null
  const coverage = { _tag: "Broadcaster", broadcasterId: newId<BroadcasterId>() } as const
  return aViewer({
    ...rest,
    protocol,
    streamId: hasStream ? newId<StreamId>() : null,
    broadcasterId: hasOwner ? newId<BroadcasterId>() : null,
    grant: hasGrant ? aGrant({ viewerId, maxSessions, coverage }) : null
  })
}

/** As an event has it. */
const logged = (viewer: Viewer, why: Departure | null) => ({
  type: why === null ? "viewer.joined" : "viewer.left",
  subject: `viewer:${viewer.id}`,
  broadcasterId: viewer.broadcasterId,
  data: {
    ...{ id: viewer.id, viewerId: viewer.grant?.viewerId ?? null, tokenId: viewer.grant?.tokenId ?? null },
    ...{ path: viewer.path, streamId: viewer.streamId, protocol: viewer.protocol, ip: viewer.ip },
    ...{ userAgent: viewer.userAgent, since: viewer.since, why }
  }
})

const sorted = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .map(([name, inner]) => [name, sorted(inner)] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
      )
    : value

/** The order of members, which a database may change, left aside. */
const same = (value: unknown): unknown => sorted(plain(value))
const brief = ({ type, subject, broadcasterId, data }: LoggedEvent) => same({ type, subject, broadcasterId, data })

const bySubject = (events: ReadonlyArray<LoggedEvent>) =>
  events.toSorted((a, b) => (a.subject < b.subject ? -1 : 1)).map(brief)

const idsOf = (viewers: ReadonlyArray<Viewer>): ReadonlyArray<string> => viewers.map(({ id }) => id)

const recording = (law: AddLaw, property: AddProperty) => {
  property(
    "a session that joins is shown as it was given, and each change is one event",
    Drawn,
    (drawn) =>
      leading((holder) =>
        Effect.gen(function* () {
          const viewers = yield* Viewers
          const viewer = drawnViewer(drawn)
          const events = yield* eventsFrom(viewers.record({ joined: [viewer], left: [] }, holder))
          assert.deepStrictEqual(events.map(brief), [same(logged(viewer, null))])
          assert.isTrue(events.every((event) => isViewerEvent(event) && DateTime.isDateTime(event.data.since)))
          assert.deepStrictEqual(same(Option.getOrThrow(yield* viewers.find(viewer.id))), same(viewer))
          const open = yield* viewers.open
          assert.deepStrictEqual(same(open.find(({ id }) => id === viewer.id)), same(viewer))
          const left = yield* eventsFrom(
            viewers.record({ joined: [], left: [{ id: viewer.id, why: drawn.why }] }, holder)
          )
          assert.deepStrictEqual(left.map(brief), [same(logged(viewer, drawn.why))])
          assert.isTrue(Option.isNone(yield* viewers.find(viewer.id)))
        })
      ),
    { runs: 30 }
  )

  law(
    "joining twice and leaving twice write nothing, in one call or in several",
    leading((holder) =>
      Effect.gen(function* () {
        const viewers = yield* Viewers
        const [one, two] = [aViewer(), aViewer()]
        const join = viewers.record({ joined: [one, one, two], left: [] }, holder)
        assert.strictEqual((yield* eventsFrom(join)).length, 2)
        const changed = { ...one, path: newPath(), ip: "192.0.2.2" }
        assert.deepStrictEqual(yield* eventsFrom(viewers.record({ joined: [changed], left: [] }, holder)), [])
        assert.deepStrictEqual(same(Option.getOrThrow(yield* viewers.find(one.id))), same(one))
        const leave = viewers.record(
          {
            joined: [],
            left: [
              { id: one.id, why: "kicked" },
              { id: one.id, why: "left" },
              { id: "unknown", why: "left" }
            ]
          },
          holder
        )
        const left = yield* eventsFrom(leave)
        assert.deepStrictEqual(left.map(brief), [same(logged(one, "kicked"))])
        assert.deepStrictEqual(yield* eventsFrom(leave), [])
        assert.isTrue(yield* viewers.record({ joined: [one], left: [{ id: two.id, why: "idle" }] }, holder))
        const open = idsOf(yield* viewers.open)
        assert.deepStrictEqual([open.includes(one.id), open.includes(two.id)], [true, false])
      })
    )
  )

  law(
    "nothing is written without the lease",
    Effect.gen(function* () {
      const viewers = yield* Viewers
      const viewer = aViewer()
      const withoutLease = viewers.record({ joined: [viewer], left: [] }, "another instance")
      assert.deepStrictEqual(yield* eventsFrom(withoutLease), [])
      assert.isFalse(yield* withoutLease)
      yield* leading((holder) =>
        Effect.gen(function* () {
          assert.isTrue(yield* viewers.record({ joined: [viewer], left: [] }, holder))
          assert.isTrue(yield* viewers.record({ joined: [], left: [] }, holder))
          assert.isFalse(
            yield* viewers.record({ joined: [aViewer()], left: [{ id: viewer.id, why: "left" }] }, "another instance")
          )
          assert.isFalse(yield* viewers.record({ joined: [], left: [] }, "another instance"))
        })
      )
      assert.include(idsOf(yield* viewers.open), viewer.id)
    })
  )

  law(
    "many join and leave in one call",
    leading((holder) =>
      Effect.gen(function* () {
        const viewers = yield* Viewers
        const many = Array.from({ length: 300 }, () => aViewer())
        const joined = yield* eventsFrom(viewers.record({ joined: many, left: [] }, holder))
        const expected = many.toSorted((a, b) => (a.id < b.id ? -1 : 1))
        assert.deepStrictEqual(
          bySubject(joined),
          expected.map((viewer) => same(logged(viewer, null)))
        )
        const left = many.map(({ id }) => ({ id, why: "left" }) as const)
        yield* viewers.record({ joined: [], left }, holder)
        const open = new Set(idsOf(yield* viewers.open))
        assert.isTrue(many.every(({ id }) => !open.has(id)))
      })
    )
  )

  law(
    "a refusal is an event of its path, without a lease and without a row",
    Effect.gen(function* () {
      const viewers = yield* Viewers
      const path = newPath()
      const refusal: ViewerRefusal = {
        ...{ path, streamId: newId<StreamId>(), broadcasterId: newId<BroadcasterId>(), protocol: "hls", ip: null },
        ...{ userAgent: "a player", tokenId: null, viewerId: "user-1" as ViewerId, reason: "playback_token_needed" },
        ...{ rule: "playback_token_needed", detail: "it has none", decisionId: randomUUID() }
      }
      const other = { ...refusal, broadcasterId: null, streamId: null }
      const before = (yield* viewers.open).length
      const events = yield* eventsFrom(viewers.recordRefused([refusal, other]))
      const expected = (data: ViewerRefusal) =>
        same({ type: "viewer.refused", subject: `path:${path}`, broadcasterId: data.broadcasterId, data })
      assert.deepStrictEqual(events.map(brief), [expected(refusal), expected(other)])
      assert.deepStrictEqual(yield* eventsFrom(viewers.recordRefused([])), [])
      assert.strictEqual((yield* viewers.open).length, before)
    })
  )
}

const listing = (law: AddLaw) => {
  law(
    "lists are ordered newest first by the time and the id, in pages, with any filter, and are counted as they are listed",
    leading((holder) =>
      Effect.gen(function* () {
        const viewers = yield* Viewers
        const at = yield* now
        const [path, viewerId] = [newPath() as string, `viewer-${randomBytes(4).toString("hex")}` as ViewerId]
        const [streamId, broadcasterId] = [newId<StreamId>(), newId<BroadcasterId>()]
        const made = Array.from({ length: 16 }, (_, n) =>
          aViewer({
            ...(n & 1 ? { path } : {}),
            ...(n & 2 ? { streamId } : {}),
            ...(n & 4 ? { broadcasterId } : {}),
            ...(n & 8 ? { grant: aGrant({ viewerId }) } : {}),
            since: later(at, Math.floor(n / 3))
          })
        )
        yield* viewers.record({ joined: made, left: [] }, holder)
        const newestFirst = made.toSorted(
          (a, b) => DateTime.toEpochMillis(b.since) - DateTime.toEpochMillis(a.since) || (a.id < b.id ? 1 : -1)
        )
        for (let n = 1; n < 16; n++) {
          const filter: ViewerFilter = {
            ...(n & 1 ? { path } : {}),
            ...(n & 2 ? { streamId } : {}),
            ...(n & 4 ? { broadcasterId } : {}),
            ...(n & 8 ? { viewerId } : {})
          }
          const expected = newestFirst.filter((viewer) => (made.indexOf(viewer) & n) === n)
          const whole = yield* viewers.list(filter, everything)
          assert.deepStrictEqual(same(whole.items), same(expected))
          assert.strictEqual(yield* viewers.count(filter), expected.length)
          const found: Array<Viewer> = []
          for (let after: Position | null = null; ; ) {
            const page: Page<Viewer> = yield* viewers.list(filter, { limit: 3, after })
            found.push(...page.items)
            after = page.next
            if (after === null) break
          }
          assert.deepStrictEqual(idsOf(found), idsOf(expected))
        }
        const all = yield* viewers.list({}, everything)
        assert.strictEqual(yield* viewers.count({}), all.items.length)
        assert.strictEqual((yield* viewers.open).length, all.items.length)
        assert.isTrue(Option.isNone(yield* viewers.find("unknown")))
      })
    )
  )
}

const owning = (law: AddLaw, property: AddProperty) => {
  const pathOf = (path: string) => Effect.flatMap(Viewers, (viewers) => viewers.pathFacts(path))
  const openOn = (path: string) =>
    Effect.flatMap(Viewers, (viewers) => Effect.map(viewers.paths, (all) => all.filter((one) => one.path === path)))
  const Policy = Schema.NullOr(Schema.Literals(playbackPolicies))

  property(
    "what was streamed last on a path is its past, by the policy that its key has now, also when that is revoked",
    Schema.Struct({ first: Policy, second: Policy, changed: Policy }),
    Effect.fnUntraced(function* ({ first, second, changed }) {
      const [viewers, keys, sessions] = [yield* Viewers, yield* StreamKeys, yield* Sessions]
      const path = newPath()
      const past = viewers.pastFacts(path)
      assert.isTrue(Option.isNone(yield* past))
      const owners = [yield* aBroadcaster(), yield* aBroadcaster()] as const
      const of = (owner: (typeof owners)[number], playback: typeof first) =>
        Option.some({ broadcasterId: owner.id, streamId: null, playback })
      const one = yield* aKey({ broadcasterId: owners[0].id, playback: first })
      const { id } = yield* aSession({ path }, one)
      assert.isTrue(Option.isNone(yield* past))
      yield* sessions.end([id], "left", null)
      assert.deepStrictEqual(yield* past, of(owners[0], first))
      yield* elapse(5)
      const other = yield* aKey({ broadcasterId: owners[1].id, playback: second })
      const later = yield* aSession({ path }, other)
      assert.deepStrictEqual(yield* past, of(owners[0], first))
      yield* sessions.end([later.id], "left", null)
      assert.deepStrictEqual(yield* past, of(owners[1], second))
      yield* keys.change(other.id, { playback: changed })
      yield* keys.revoke(other.id)
      assert.deepStrictEqual(yield* past, of(owners[1], changed))
    }),
    { runs: 12 }
  )

  property(
    "a path is that of the stream on it, else that of the key whose ingest path it is, with its policy",
    Schema.Struct({ ofBroadcaster: Policy, ofKey: Policy, changed: Policy }),
    Effect.fnUntraced(function* ({ ofBroadcaster, ofKey, changed }) {
      const [keys, sessions] = [yield* StreamKeys, yield* Sessions]
      const path = newPath()
      assert.isTrue(Option.isNone(yield* pathOf(path)))
      const owner = yield* aBroadcaster({ playback: ofBroadcaster })
      const key = yield* aKey({ broadcasterId: owner.id, path, playback: ofKey })
      const policy = ofKey ?? ofBroadcaster
      const idle = { broadcasterId: owner.id, streamId: null, playback: policy }
      assert.deepStrictEqual(yield* pathOf(path), Option.some(idle))
      assert.deepStrictEqual(yield* openOn(path), [])
      const { id } = yield* aSession({ path }, key)
      const live = { broadcasterId: owner.id, streamId: id, playback: policy }
      assert.deepStrictEqual(yield* pathOf(path), Option.some(live))
      assert.deepStrictEqual(yield* openOn(path), [{ path, ...live }])
      yield* sessions.markReady([{ streamId: id, sourceType: "rtmpConn" }], null)
      yield* keys.change(key.id, { playback: changed })
      const now = { ...live, playback: changed ?? ofBroadcaster }
      assert.deepStrictEqual(yield* pathOf(path), Option.some(now))
      assert.deepStrictEqual(yield* openOn(path), [{ path, ...now }])
      yield* sessions.end([id], "left", null)
      assert.deepStrictEqual(yield* pathOf(path), Option.some({ ...now, streamId: null }))
      assert.deepStrictEqual(yield* openOn(path), [])
      yield* keys.revoke(key.id)
      assert.isTrue(Option.isNone(yield* pathOf(path)))
    }),
    { runs: 12 }
  )

  law(
    "a stream on another path than its key's is found where it is",
    Effect.gen(function* () {
      const key = yield* aKey({ path: "live/**" as PathLimitText, playback: "token" })
      const session = yield* aSession({}, key)
      assert.deepStrictEqual(
        Option.getOrNull(yield* pathOf(session.ask.path))?.streamId as string,
        session.id as string
      )
      const own = `live/${key.id.slice(0, 8)}`
      assert.deepStrictEqual(Option.getOrNull(yield* pathOf(own)), {
        broadcasterId: key.key.broadcasterId,
        streamId: null,
        playback: "token"
      })
    })
  )

  law(
    "a stream that was superseded has no path, and the one that took over has it",
    Effect.gen(function* () {
      const path = newPath()
      const key = yield* aKey({ path })
      const old = yield* aSession({ path }, key)
      const next = Option.getOrThrow(yield* takeOver(anAsk(key, { path })))
      const streamOf = Effect.map(openOn(path), (all) => all.map(({ streamId }) => streamId as string))
      assert.deepStrictEqual(yield* streamOf, [next.streamId as string])
      assert.notStrictEqual(next.streamId as string, old.id as string)
      assert.strictEqual(Option.getOrNull(yield* pathOf(path))?.streamId as string, next.streamId as string)
      yield* (yield* Sessions).requestStop(next.streamId, "stopped", null)
      assert.deepStrictEqual(yield* streamOf, [next.streamId as string], "until it has ended")
    })
  )

  law(
    "of several keys with the path the newest counts, and none whose overlap has ended or whose broadcaster was deleted",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const path = newPath()
      const owner = yield* aBroadcaster()
      const old = yield* aKey({ broadcasterId: owner.id, path, playback: "token" })
      yield* elapse(2)
      const policy = Effect.map(pathOf(path), (found) => Option.getOrNull(found)?.playback)
      const rotated = yield* keys.rotate(old.id, aSuccessor(old.id, 60))
      if (rotated._tag !== "Rotated") return assert.fail(rotated._tag)
      yield* keys.change(rotated.key.id, { playback: "public" })
      assert.strictEqual(yield* policy, "public")
      yield* keys.revoke(rotated.key.id)
      assert.strictEqual(yield* policy, "token")
      yield* (yield* Broadcasters).remove(owner.id)
      assert.isTrue(Option.isNone(yield* pathOf(path)))
    })
  )
}

export const viewersLaws = (store: StoreUnderTest) =>
  contract("Viewers", store, (law, property) => {
    recording(law, property)
    listing(law)
    owning(law, property)
  })
