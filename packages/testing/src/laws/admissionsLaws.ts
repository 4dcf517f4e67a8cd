/** The laws of `Admissions`: what one caller sees. `AdmissionRaces.laws.ts` has those of many at once. */
import { randomUUID } from "node:crypto"
import {
  type AdmissionRequest,
  Admissions,
  decideCheck,
  ingestPath,
  type PathLimitText,
  parseLimit,
  Sessions,
  type StreamKeyId,
  StreamKeys
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import * as assert from "../assert.ts"
import {
  aBroadcaster,
  admit,
  aKey,
  anAsk,
  aSession,
  details,
  eventTypes,
  later,
  newId,
  newPath,
  now,
  stateOf
} from "../fixtures.ts"
import { contract, elapse, plain, type StoreUnderTest } from "./contract.ts"
import { refused } from "./refused.ts"

export const admissionsLaws = (store: StoreUnderTest) =>
  contract("Admissions", store, (law) => {
    law(
      "the facts of a key are the same by its hash and by its id, whatever its state and whoever has it",
      Effect.gen(function* () {
        const admissions = yield* Admissions
        const keys = yield* StreamKeys
        const [free, revoked, { key: used, ask }] = [yield* aKey(), yield* aKey(), yield* aSession()]
        yield* keys.revoke(revoked.id)
        for (const key of [free, revoked, used]) {
          for (const path of [ask.path, newPath()]) {
            const { now: _, ...byHash } = yield* admissions.facts({ hash: key.hash, path, sourceId: null })
            const { now: __, ...byId } = yield* admissions.facts({ streamKeyId: key.id, path, sourceId: null })
            assert.strictEqual(byId.key?.id, key.id)
            assert.deepStrictEqual(plain(byId), plain(byHash))
          }
        }
        const unknown = yield* admissions.facts({ streamKeyId: newId<StreamKeyId>(), path: ask.path, sourceId: null })
        assert.deepStrictEqual([unknown.key, unknown.keySession], [null, null])
      })
    )

    law(
      "an admission writes a connecting session, titled by the key's label, and its first event",
      Effect.gen(function* () {
        const key = yield* aKey({ label: "Main camera" })
        const ask = anAsk(key, { protocol: "srt" })
        assert.deepStrictEqual(
          yield* admit(ask),
          Option.some({ streamId: ask.streamId, key: { id: key.id, prefix: key.key.keyPrefix }, again: false })
        )
        const { stream, broadcaster } = yield* details(ask.streamId)
        assert.strictEqual(broadcaster.id, key.key.broadcasterId)
        assert.deepStrictEqual(
          plain(stream),
          plain({
            id: ask.streamId,
            streamKeyId: key.id,
            broadcaster: { id: broadcaster.id, displayName: broadcaster.displayName },
            path: ask.path,
            protocol: "srt",
            sourceId: ask.sourceId,
            title: "Main camera",
            description: null,
            metadata: {},
            recordingRef: null,
            playback: null,
            state: { _tag: "Connecting", startedAt: stream.state.startedAt, ending: null },
            observation: { tracks: [], viewerCount: 0, inboundBytes: 0 },
            stateAsOf: null
          })
        )
        assert.deepStrictEqual(yield* eventTypes(ask.streamId), ["admitted"])
      })
    )

    law(
      "the same connection is admitted again to its own session, connecting or active, until it is being stopped",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const session = yield* aSession({ protocol: "rtsp" })
        const again = { ...session.ask, streamId: anAsk(session.key).streamId }
        const expected = Option.some({
          streamId: session.id,
          key: { id: session.key.id, prefix: session.key.key.keyPrefix },
          again: true
        })
        assert.deepStrictEqual(yield* admit(again), expected)
        yield* sessions.markReady([{ streamId: session.id, sourceType: "rtspSession" }], null)
        assert.deepStrictEqual(yield* admit(again), expected)
        yield* refused({ ...again, path: newPath() }, "stream_key_in_use")
        yield* refused({ ...again, hash: (yield* aKey()).hash }, "stream_key_in_use")
        yield* sessions.requestStop(session.id, "stopped", null)
        yield* refused(again, "stream_key_in_use")
        yield* sessions.end([session.id], "left", null)
        yield* refused(again, "stream_key_in_use")
        assert.deepStrictEqual(yield* eventTypes(session.id), ["admitted", "ready", "stop_requested", "ended"])
      })
    )

    law(
      "each thing that is wrong with a key refuses it, and the facts show which",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        yield* refused(anAsk({ hash: new Uint8Array(32) }), "invalid_stream_key")
        const revoked = yield* aKey()
        yield* keys.revoke(revoked.id)
        yield* refused(anAsk(revoked), "stream_key_revoked")
        const disabled = yield* aKey()
        yield* keys.change(disabled.id, { enabled: false })
        yield* refused(anAsk(disabled), "stream_key_disabled")
        yield* keys.change(disabled.id, { enabled: true })
        yield* aSession({}, disabled)
        const path = newPath()
        const exact = yield* aKey({ path })
        yield* refused(anAsk(exact, { path: newPath() }), "path_not_allowed")
        yield* refused(anAsk(exact, { path: `${path}/a` }), "path_not_allowed")
        const below = yield* aKey({ path: `${path}/*` as PathLimitText })
        yield* refused(anAsk(below, { path }), "path_not_allowed")
        yield* refused(anAsk(below, { path: `${path}/a/b` }), "path_not_allowed")
        yield* aSession({ path: `${path}/a` }, below)
        yield* refused(anAsk(yield* aKey(), { path }), "path_not_allowed")
        yield* refused(anAsk(yield* aKey({ path: "live/**" as PathLimitText }), { path }), "path_not_allowed")
        yield* aSession({ path }, yield* aKey({ broadcasterId: exact.key.broadcasterId }))
      })
    )

    law(
      "no key of another broadcaster publishes on a key's ingest path, whatever the two are limited to",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        for (const limit of [null, "live/*", "live/**", "exact"]) {
          const path = limit === "exact" ? newPath() : (limit as PathLimitText | null)
          const owner = yield* aKey({ path })
          const own = ingestPath(path === null ? null : parseLimit(path), owner.id)
          for (const reach of [null, "live/*", "live/**"]) {
            const theirs = yield* aKey({ path: reach as PathLimitText | null })
            yield* refused(anAsk(theirs, { path: own }), "path_not_allowed")
            yield* aSession({}, theirs)
          }
          const { broadcasterId } = owner.key
          const colleague = yield* aSession({ path: own }, yield* aKey({ broadcasterId }))
          yield* Effect.flatMap(Sessions, (sessions) => sessions.end([colleague.id], "left", null))
          yield* aSession({ path: own }, owner)
          const late = yield* aKey()
          yield* keys.revoke(owner.id)
          yield* refused(anAsk(late, { path: own }), "path_in_use")
        }
      })
    )

    law(
      "a key admits until the moment of its expiry and not from then on",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const key = yield* aKey()
        for (let life = 100; ; life *= 2) {
          const expiresAt = later(yield* now, life)
          if ((yield* keys.change(key.id, { expiresAt }))._tag === "ExpiryInPast") continue
          const ask = anAsk(key)
          const admitted = yield* admit(ask)
          if (Option.isNone(admitted)) {
            assert.isTrue(DateTime.isGreaterThanOrEqualTo(yield* now, expiresAt), "refused before its expiry")
            continue
          }
          yield* Effect.flatMap(Sessions, (sessions) => sessions.end([ask.streamId], "left", null))
          yield* elapse(life)
          return yield* refused(anAsk(key), "stream_key_expired")
        }
      })
    )

    law(
      "a key and a path have one session at a time, and a source has one for ever",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const session = yield* aSession()
        yield* refused(anAsk(session.key), "stream_key_in_use")
        yield* refused(anAsk(yield* aKey(), { path: session.ask.path }), "path_in_use")
        yield* refused(anAsk(yield* aKey(), { sourceId: session.ask.sourceId }), "stream_key_in_use")
        yield* sessions.requestStop(session.id, "stopped", null)
        yield* refused(anAsk(session.key), "stream_key_in_use")
        yield* sessions.end([session.id], "left", null)
        yield* refused(anAsk(session.key, { sourceId: session.ask.sourceId }), "stream_key_in_use")
        yield* aSession({ path: session.ask.path }, session.key)
      })
    )

    law(
      "a check has the facts of an admission, but for the source, and writes nothing: the key admits as before",
      Effect.gen(function* () {
        const admissions = yield* Admissions
        const checked = Effect.fnUntraced(function* (key: Pick<AdmissionRequest, "hash">, path: string) {
          const decision = decideCheck({ path }, yield* admissions.facts({ hash: key.hash, path, sourceId: null }))
          return decision._tag === "Refuse" ? decision.reason : decision.key.id
        })
        const key = yield* aKey()
        const ask = anAsk(key)
        assert.strictEqual(yield* checked(key, ask.path), key.id)
        const facts = yield* admissions.facts({ hash: key.hash, path: ask.path, sourceId: null })
        assert.deepStrictEqual([facts.keySession, facts.pathSession, facts.sourceSession], [null, null, null])
        assert.isTrue(Option.isSome(yield* admit(ask)))
        assert.strictEqual(yield* checked(key, ask.path), key.id)
        assert.strictEqual(yield* checked(key, newPath()), key.id)
        assert.deepStrictEqual(yield* eventTypes(ask.streamId), ["admitted"])
        assert.strictEqual(yield* checked({ hash: new Uint8Array(32) }, newPath()), "invalid_stream_key")
        assert.strictEqual(yield* checked(yield* aKey({ path: newPath() }), newPath()), "path_not_allowed")
        const owned = newPath()
        yield* aKey({ path: owned })
        assert.strictEqual(yield* checked(key, owned), "path_not_allowed")
        yield* Effect.flatMap(StreamKeys, (keys) => keys.revoke(key.id))
        assert.strictEqual(yield* checked(key, ask.path), "stream_key_revoked")
      })
    )

    law(
      "a superseded session leaves its key and its path to the newcomer",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const old = yield* aSession()
        yield* sessions.requestStop(old.id, "superseded", null)
        const fresh = yield* aSession({ path: old.ask.path }, old.key)
        const facts = yield* Effect.flatMap(Admissions, (admissions) => admissions.facts(old.ask))
        assert.strictEqual(facts.keySession?.streamId, fresh.id)
        assert.strictEqual(facts.pathSession?.streamId, fresh.id)
        assert.strictEqual(facts.sourceSession?.streamId, old.id)
        assert.isTrue(facts.sourceSession?.stopping)
        yield* sessions.end([old.id], "left", null)
        assert.strictEqual((yield* stateOf(fresh.id))._tag, "Connecting")
      })
    )

    law(
      "the facts are those of the key, of its session, of the path's and of the source's, whichever session it is",
      Effect.gen(function* () {
        const admissions = yield* Admissions
        const sessions = yield* Sessions
        const { id: broadcasterId } = yield* aBroadcaster()
        const key = yield* aKey({ broadcasterId, path: "live/**" as PathLimitText })
        const [ofKey, onPath, ofSource] = [
          yield* aSession({}, key),
          yield* aSession({ protocol: null }),
          yield* aSession()
        ]
        yield* sessions.end([ofSource.id], "left", null)
        const facts = yield* admissions.facts(anAsk(key, { path: onPath.ask.path, sourceId: ofSource.ask.sourceId }))
        const { id, prefix, ...standing } = facts.key!
        assert.deepStrictEqual([id, prefix], [key.id, key.key.keyPrefix])
        assert.deepStrictEqual(plain(standing), {
          broadcasterId,
          path: "live/**",
          enabled: true,
          expiresAt: null,
          revokedAt: null,
          revokesAt: null,
          rotatedFrom: null,
          block: null
        })
        const expected = Effect.fnUntraced(function* (session: typeof ofKey, ended: boolean) {
          return {
            streamId: session.id,
            streamKeyId: session.key.id,
            path: session.ask.path,
            source: { protocol: session.ask.protocol, id: session.ask.sourceId },
            startedAt: (yield* stateOf(session.id)).startedAt,
            ended,
            stopping: false
          }
        })
        assert.deepStrictEqual(plain(facts.keySession), plain(yield* expected(ofKey, false)))
        assert.deepStrictEqual(plain(facts.pathSession), plain(yield* expected(onPath, false)))
        assert.deepStrictEqual(plain(facts.sourceSession), plain(yield* expected(ofSource, true)))
        assert.isFalse(facts.pathOwnedByOther)
        const stranger = yield* admissions.facts({ ...anAsk(key), hash: new Uint8Array(32), path: onPath.ask.path })
        assert.deepStrictEqual([stranger.key, stranger.keySession, stranger.pathOwnedByOther], [null, null, false])
        assert.strictEqual(stranger.pathSession?.streamId, onPath.id)
      })
    )

    law(
      "a session whose source is gone ends by what it had come to, once",
      Effect.gen(function* () {
        const admissions = yield* Admissions
        const sessions = yield* Sessions
        const [connecting, active, stopped] = [yield* aSession(), yield* aSession(), yield* aSession()]
        yield* sessions.markReady([{ streamId: active.id, sourceType: "rtmpConn" }], null)
        yield* sessions.requestStop(stopped.id, "revoked", null)
        for (const { id } of [connecting, active, stopped]) {
          yield* admissions.endGone(id)
          yield* admissions.endGone(id)
        }
        const reason = (id: typeof active.id) =>
          Effect.map(stateOf(id), (state) => (state._tag === "Inactive" ? state.reason : state._tag))
        assert.deepStrictEqual(
          [yield* reason(connecting.id), yield* reason(active.id), yield* reason(stopped.id)],
          ["never_ready", "disconnected", "revoked"]
        )
        assert.deepStrictEqual(yield* eventTypes(active.id), ["admitted", "ready", "ended"])
        yield* admissions.endGone(anAsk({ hash: new Uint8Array(32) }).streamId)
        yield* aSession({ path: active.ask.path, sourceId: randomUUID() }, active.key)
      })
    )
  })
