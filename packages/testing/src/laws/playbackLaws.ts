/** The laws of who may watch: a stream has the policy of its key, else that of its broadcaster, and a worker's output that of its source. */
import { randomBytes } from "node:crypto"
import {
  type BroadcasterId,
  Broadcasters,
  type ExternalId,
  isBroadcasterEvent,
  isKeyEvent,
  isStreamEvent,
  MEDIA_SERVER_BROADCASTER,
  type PathLimitText,
  type PipelineId,
  type PlaybackPolicy,
  pipelinePath,
  playbackPolicies,
  type Repositories,
  type StreamId,
  type StreamKeyId,
  StreamKeys,
  Streams,
  Workers
} from "@greenroom/core"
import { Effect, Option, Schema } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, aKey, aSession, aSuccessor, details, leading, newId } from "../fixtures.ts"
import { type AddLaw, type AddProperty, contract, type StoreUnderTest } from "./contract.ts"
import { eventsFrom } from "./eventsLaws.ts"

const Policy = Schema.NullOr(Schema.Literals(playbackPolicies))
const everything = { limit: null, after: null }

const policyOf = (id: StreamId) => Effect.map(details(id), ({ stream }) => stream.playback)

/** The key's policy as every operation shows it. */
const policyOfKey = Effect.fnUntraced(function* (id: StreamKeyId, broadcasterId: BroadcasterId) {
  const keys = yield* StreamKeys
  const found = Option.getOrThrow(yield* keys.find(id)).key.playback
  const { items } = yield* keys.list({ broadcasterId }, everything)
  assert.strictEqual(items.find((key) => key.id === id)?.playback, found)
  return found
})

/** A session on a path of a pipeline's output, with a worker's key. */
const anOutput = Effect.fnUntraced(function* (pipeline: PipelineId, source: StreamId | null, holder: string) {
  const workers = yield* Workers
  const [hash, path] = [new Uint8Array(randomBytes(32)), pipelinePath(pipeline, "out")]
  const issued = yield* workers.issueKey(
    {
      ...{ keyId: newId<StreamKeyId>(), hash, keyPrefix: "sk_work", label: "worker", path, source },
      ...{ inputPath: pipelinePath(pipeline, "in"), admitWithinMillis: 60_000 }
    },
    holder
  )
  assert.isTrue(issued)
  const key = { ...(yield* aKey()), hash }
  return (yield* aSession({ path, reserved: true, protocol: "rtsp" }, key)).id
})

const newPipeline = () => randomBytes(6).toString("hex") as PipelineId

const givenPolicies = (law: AddLaw, property: AddProperty) => {
  property(
    "a stream has the policy of its key, else that of its broadcaster, as both were given and were changed",
    Schema.Struct({ ofBroadcaster: Policy, ofKey: Policy, changed: Policy, changedOfKey: Policy }),
    Effect.fnUntraced(function* ({ ofBroadcaster, ofKey, changed, changedOfKey }) {
      const [broadcasters, keys, streams] = [yield* Broadcasters, yield* StreamKeys, yield* Streams]
      const owner = yield* aBroadcaster({ playback: ofBroadcaster })
      const key = yield* aKey({ broadcasterId: owner.id, playback: ofKey })
      const { id } = yield* aSession({}, key)
      const shown = Effect.gen(function* () {
        const broadcaster = Option.getOrThrow(yield* broadcasters.find(owner.id)).playback
        const policy = yield* policyOfKey(key.id, owner.id)
        const { items } = yield* streams.list({ status: ["connecting"], broadcasterId: owner.id }, everything)
        const stream = yield* policyOf(id)
        assert.deepStrictEqual(
          items.map(({ playback }) => playback),
          [stream]
        )
        assert.strictEqual((yield* details(id)).broadcaster.playback, broadcaster)
        return [broadcaster, policy, stream]
      })
      assert.deepStrictEqual(yield* shown, [ofBroadcaster, ofKey, ofKey ?? ofBroadcaster])
      yield* broadcasters.change(owner.id, { playback: changed })
      assert.deepStrictEqual(yield* shown, [changed, ofKey, ofKey ?? changed])
      yield* keys.change(key.id, { playback: changedOfKey })
      assert.deepStrictEqual(yield* shown, [changed, changedOfKey, changedOfKey ?? changed])
      yield* broadcasters.change(owner.id, { displayName: "Another" })
      yield* keys.change(key.id, { label: "another" })
      assert.deepStrictEqual(yield* shown, [changed, changedOfKey, changedOfKey ?? changed])
    }),
    { runs: 20 }
  )

  law(
    "without a policy there is none, and upsert leaves the one that is there",
    Effect.gen(function* () {
      const broadcasters = yield* Broadcasters
      assert.isNull((yield* aBroadcaster()).playback)
      const externalId = newId<ExternalId>()
      const upsert = (playback?: PlaybackPolicy | null) =>
        broadcasters.upsert(newId<BroadcasterId>(), externalId, {
          displayName: "Studio",
          ...(playback === undefined ? {} : { playback })
        })
      assert.isNull((yield* upsert()).playback)
      const given = yield* upsert("token")
      assert.strictEqual(given.playback, "token")
      const same = yield* upsert("token")
      const left = yield* upsert()
      assert.deepStrictEqual([same, left], [given, given], "nothing differs, so nothing is written")
      assert.isNull((yield* upsert(null)).playback)
    })
  )

  law(
    "a successor has the policy of the key",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const key = yield* aKey({ playback: "token" })
      const rotated = yield* keys.rotate(key.id, aSuccessor(key.id, 60))
      assert.strictEqual(rotated._tag === "Rotated" ? rotated.key.playback : rotated._tag, "token")
    })
  )

  law(
    "a list since a version has the streams whose policy has changed since",
    leading((holder) =>
      Effect.gen(function* () {
        const [broadcasters, keys, streams] = [yield* Broadcasters, yield* StreamKeys, yield* Streams]
        const owner = yield* aBroadcaster()
        const key = yield* aKey({ broadcasterId: owner.id })
        const pipeline = newPipeline()
        const input = yield* aSession({ path: pipelinePath(pipeline, "in") }, key)
        yield* anOutput(pipeline, input.id, holder)
        const filter = { status: ["connecting"], broadcasterId: owner.id } as const
        const since = (version: string | null) => streams.listSince(filter, everything, version)
        const policies = Effect.fnUntraced(function* (version: string) {
          const { items } = yield* since(version)
          return items.map(({ stream }) => stream?.playback)
        })
        const first = yield* since(null)
        yield* keys.change(key.id, { playback: "token" })
        assert.deepStrictEqual(yield* policies(first.version), ["token", "token"])
        const second = yield* since(null)
        yield* keys.change(key.id, { playback: null })
        yield* broadcasters.change(owner.id, { playback: "public" })
        assert.deepStrictEqual(yield* policies(second.version), ["public", "public"])
      })
    )
  )
}

const loggedPolicies = (law: AddLaw) => {
  const policyIn = (changes: Effect.Effect<unknown, unknown, Repositories>) =>
    Effect.map(eventsFrom(changes), (events) =>
      events.map((event) =>
        isKeyEvent(event) || isBroadcasterEvent(event)
          ? [event.type, event.data.playback]
          : isStreamEvent(event)
            ? [event.type, event.data.stream.playback, event.data.broadcaster.playback]
            : [event.type]
      )
    )

  law(
    "events have the policies, and a change of one is an event",
    Effect.gen(function* () {
      const [broadcasters, keys] = [yield* Broadcasters, yield* StreamKeys]
      const owner = yield* aBroadcaster()
      assert.deepStrictEqual(yield* policyIn(aBroadcaster({ playback: "token" })), [["broadcaster.created", "token"]])
      const change = broadcasters.change(owner.id, { playback: "token" })
      assert.deepStrictEqual(yield* policyIn(change), [["broadcaster.changed", "token"]])
      const key = yield* aKey({ broadcasterId: owner.id })
      const issued = aKey({ broadcasterId: owner.id, playback: "public" })
      assert.deepStrictEqual(yield* policyIn(issued), [["key.created", "public"]])
      const changeKey = keys.change(key.id, { playback: "public" })
      assert.deepStrictEqual(yield* policyIn(changeKey), [["key.changed", "public"]])
      assert.deepStrictEqual(yield* policyIn(changeKey), [], "it has that policy already")
      assert.deepStrictEqual(yield* policyIn(aSession({}, key)), [["stream.connecting", "public", "token"]])
    })
  )
}

const workersPolicies = (law: AddLaw) => {
  law(
    "a worker's output has the policy of the stream that it reads, also after that has changed",
    leading((holder) =>
      Effect.gen(function* () {
        const [keys, broadcasters] = [yield* StreamKeys, yield* Broadcasters]
        const owner = yield* aBroadcaster({ playback: "public" })
        const key = yield* aKey({ broadcasterId: owner.id, playback: "token" })
        const pipeline = newPipeline()
        const input = yield* aSession({ path: pipelinePath(pipeline, "in") }, key)
        const output = yield* anOutput(pipeline, input.id, holder)
        assert.strictEqual(yield* policyOf(output), "token")
        yield* keys.change(key.id, { playback: null })
        assert.strictEqual(yield* policyOf(output), "public")
        yield* broadcasters.change(owner.id, { playback: null })
        assert.isNull(yield* policyOf(output))
        yield* keys.change(key.id, { playback: "token" })
        assert.strictEqual(yield* policyOf(output), "token")
      })
    )
  )

  law(
    "a worker's output of a source of the media server's own has the policy of the path's key, else the media server's broadcaster's",
    leading((holder) =>
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        const pipeline = newPipeline()
        yield* aKey({ path: pipelinePath(pipeline, "in") as PathLimitText, playback: "token" })
        assert.strictEqual(yield* policyOf(yield* anOutput(pipeline, null, holder)), "token")
        const output = yield* anOutput(newPipeline(), null, holder)
        assert.isNull(yield* policyOf(output))
        yield* broadcasters.change(MEDIA_SERVER_BROADCASTER.id, { playback: "token" })
        assert.strictEqual(yield* policyOf(output), "token")
      })
    )
  )
}

export const playbackLaws = (store: StoreUnderTest) =>
  contract("playback policies", store, (law, property) => {
    givenPolicies(law, property)
    loggedPolicies(law)
    workersPolicies(law)
  })
