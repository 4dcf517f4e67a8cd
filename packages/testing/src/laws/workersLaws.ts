/** The laws of `Workers`: their records, and the keys that admit one connection of a worker, apart from those of broadcasters. */
import { randomBytes } from "node:crypto"
import {
  type AdmissionRequest,
  Admissions,
  Broadcasters,
  decideAdmission,
  decideCheck,
  type KeyHash,
  MEDIA_SERVER_BROADCASTER,
  type PathLimitText,
  type PipelineId,
  pipelinePath,
  type RefusalReason,
  Sessions,
  type StreamId,
  type StreamKeyId,
  StreamKeys,
  Streams,
  type WorkerChange,
  type WorkerKeyOrder,
  Workers
} from "@greenroom/core"
import { Effect, Option } from "effect"
import * as assert from "../assert.ts"
import {
  aBroadcaster,
  admit,
  aKey,
  anAsk,
  anOrder,
  aSession,
  details,
  leading,
  newId,
  stateOf,
  takeOver
} from "../fixtures.ts"
import { contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

const newPipeline = () => randomBytes(6).toString("hex") as PipelineId

const aChange = (change: Partial<WorkerChange> = {}): WorkerChange => ({
  id: newPipeline(),
  state: "connecting",
  reason: null,
  attempt: 1,
  inputStreamId: newId<StreamId>(),
  outputStreamId: null,
  retryInMillis: null,
  mark: null,
  ...change
})

/** A session on a pipeline's input, and a key for its output. */
const aWorkerKey = Effect.fnUntraced(function* (holder: string, admitWithinMillis = 60_000) {
  const workers = yield* Workers
  const pipeline = newPipeline()
  const input = yield* aSession({ path: pipelinePath(pipeline, "in") })
  const order: WorkerKeyOrder = {
    keyId: newId<StreamKeyId>(),
    hash: new Uint8Array(randomBytes(32)),
    keyPrefix: "sk_work",
    label: `Worker of ${pipeline}`,
    path: pipelinePath(pipeline, "out"),
    source: input.id,
    inputPath: pipelinePath(pipeline, "in"),
    admitWithinMillis
  }
  assert.isTrue(yield* workers.issueKey(order, holder))
  return { pipeline, input, order }
})

const askFor = (order: { readonly hash: KeyHash; readonly path: string }, ask: Partial<AdmissionRequest> = {}) =>
  anAsk(order, { path: order.path, reserved: true, protocol: "rtsp", ...ask })

const refused = Effect.fnUntraced(function* (request: AdmissionRequest, reason: RefusalReason) {
  const admissions = yield* Admissions
  assert.isTrue(Option.isNone(yield* admissions.admit(request)), `admitted instead of ${reason}`)
  const decision = decideAdmission(request, yield* admissions.facts(request))
  if (decision._tag !== "Refuse") return assert.fail(`${decision._tag} instead of ${reason}`)
  assert.strictEqual(decision.reason, reason)
})

export const workersLaws = (store: StoreUnderTest) =>
  contract("Workers", store, (law) => {
    law(
      "a record is what was saved last of its pipeline, and its state's time moves with the state",
      leading((holder) =>
        Effect.gen(function* () {
          const workers = yield* Workers
          const mark = { host: "here", pid: 4711, startedAt: "boot:123" }
          const change = aChange({ mark })
          assert.isTrue(yield* workers.save([change], holder))
          const first = Option.getOrThrow(yield* workers.find(change.id))
          const { retryInMillis: _, ...saved } = change
          assert.deepInclude(plain(first) as object, plain({ ...saved, retryAt: null }) as object)
          assert.deepStrictEqual([first.stateSince, first.updatedAt], [first.createdAt, first.createdAt])

          yield* elapse(20)
          yield* workers.save([{ ...change, reason: "soon" }], holder)
          const second = Option.getOrThrow(yield* workers.find(change.id))
          assert.deepStrictEqual(plain(second.stateSince), plain(first.stateSince))
          assert.isAbove(second.updatedAt.epochMilliseconds, first.updatedAt.epochMilliseconds)

          yield* workers.save(
            [{ ...change, state: "retrying", retryInMillis: 2_000, mark: null, reason: "404" }],
            holder
          )
          const third = Option.getOrThrow(yield* workers.find(change.id))
          assert.isAbove(third.stateSince.epochMilliseconds, first.stateSince.epochMilliseconds)
          assert.strictEqual(third.retryAt!.epochMilliseconds - third.updatedAt.epochMilliseconds, 2_000)
          assert.isNull(third.mark)
          assert.deepStrictEqual([third.recordId, plain(third.createdAt)], [first.recordId, plain(first.createdAt)])
          assert.isTrue(Option.isNone(yield* workers.find(newPipeline())))
        })
      )
    )

    law(
      "only the holder of the lease writes, all or nothing",
      Effect.gen(function* () {
        const workers = yield* Workers
        const change = aChange()
        assert.isFalse(yield* workers.save([change], "no holder"))
        assert.isTrue(Option.isNone(yield* workers.find(change.id)))
        yield* leading((holder) =>
          Effect.gen(function* () {
            const many = Array.from({ length: 30 }, () => aChange())
            assert.isFalse(yield* workers.save(many, "no holder"))
            assert.isTrue(yield* workers.save(many, holder))
            assert.isTrue(yield* workers.save([], holder))
            for (const { id } of many) assert.isTrue(Option.isSome(yield* workers.find(id)))
          })
        )
      })
    )

    law(
      "lists are newest first, in pages that neither skip nor repeat, of the states that are asked for",
      leading((holder) =>
        Effect.gen(function* () {
          const workers = yield* Workers
          const changes = Array.from({ length: 7 }, (_, n) => aChange({ state: n % 2 === 0 ? "failed" : "idle" }))
          for (const change of changes) {
            yield* workers.save([change], holder)
            yield* elapse(2)
          }
          const ours = new Set(changes.map(({ id }) => id))
          const listed: Array<string> = []
          let after: Effect.Success<ReturnType<typeof workers.list>>["next"] = null
          do {
            const page: Effect.Success<ReturnType<typeof workers.list>> = yield* workers.list(null, { limit: 3, after })
            assert.isAtMost(page.items.length, 3)
            listed.push(...page.items.map(({ id }) => id))
            after = page.next
          } while (after !== null)
          assert.deepStrictEqual(
            listed.filter((id) => ours.has(id as PipelineId)),
            changes.map(({ id }) => id).toReversed()
          )
          const failed = yield* workers.list(["failed", "running"], { limit: null, after: null })
          assert.isTrue(failed.items.every(({ state }) => state === "failed" || state === "running"))
          assert.strictEqual(failed.items.filter(({ id }) => ours.has(id)).length, 4)
        })
      )
    )

    law(
      "those that have not stopped, or have left a process, are unfinished",
      leading((holder) =>
        Effect.gen(function* () {
          const workers = yield* Workers
          const mark = { host: "here", pid: 1, startedAt: "then" }
          const [stopped, left, failed] = [
            aChange({ state: "stopped" }),
            aChange({ state: "stopped", mark }),
            aChange({ state: "failed" })
          ]
          yield* workers.save([stopped, left, failed], holder)
          const ids = (yield* workers.unfinished).map(({ id }) => id)
          assert.deepStrictEqual(
            [stopped, left, failed].map(({ id }) => ids.includes(id)),
            [false, true, true]
          )
        })
      )
    )

    law(
      "of ten thousand that are over the newest stay, of the others all; without the lease nothing goes",
      leading((holder) =>
        Effect.gen(function* () {
          const workers = yield* Workers
          const mark = { host: "here", pid: 1, startedAt: "then" }
          const failed = aChange({ state: "failed", reason: "404" })
          const kept = [failed, aChange({ state: "stopped", mark }), aChange({ state: "idle" })]
          yield* workers.save(kept, holder)
          const over = Array.from({ length: 10_000 }, (_, n) =>
            aChange({ state: n % 2 === 0 ? "stopped" : "failed", inputStreamId: null })
          )
          // In parts, so that no statement of them comes near its time limit.
          for (let at = 0; at < over.length; at += 1_000) yield* workers.save(over.slice(at, at + 1_000), holder)
          yield* elapse(20)
          const newest = Array.from({ length: 10 }, () => aChange({ state: "stopped" }))
          yield* workers.save(newest, holder)
          const ids = Effect.map(workers.list(null, { limit: null, after: null }), ({ items }) =>
            items.map(({ id }) => id)
          )
          const before = yield* ids
          yield* workers.prune(10, "no holder")
          assert.deepStrictEqual(yield* ids, before)
          // A pruning may leave some to the next one.
          for (let times = 0; times < 3; times++) yield* workers.prune(10, holder)
          const after = new Set(yield* ids)
          for (const { id } of [...kept, ...newest]) assert.isTrue(after.has(id))
          for (const { id } of over) assert.isFalse(after.has(id))
        })
      )
    )

    law(
      "a key that has admitted no connection is deleted after its time, one that has a stream never",
      leading((holder) =>
        Effect.gen(function* () {
          const workers = yield* Workers
          const unspent = yield* aWorkerKey(holder, -120_000)
          const young = yield* aWorkerKey(holder, -1_000)
          const spent = yield* aWorkerKey(holder)
          const ask = askFor(spent.order)
          yield* admit(ask)
          yield* workers.prune(10, "no holder")
          yield* refused(askFor(unspent.order), "stream_key_expired")
          yield* workers.prune(10, holder)
          yield* refused(askFor(unspent.order), "invalid_stream_key")
          yield* refused(askFor(young.order), "stream_key_expired")
          assert.isTrue(Option.isSome(yield* admit(ask)))
        })
      )
    )

    law(
      "a worker's key admits one connection, and that one again, as a stream of its source's broadcaster",
      leading((holder) =>
        Effect.gen(function* () {
          const { order, input } = yield* aWorkerKey(holder)
          const ask = askFor(order)
          const key = { id: order.keyId, prefix: order.keyPrefix }
          assert.deepStrictEqual(yield* admit(ask), Option.some({ streamId: ask.streamId, key, again: false }))
          const again = yield* admit({ ...ask, streamId: newId<StreamId>() })
          assert.deepStrictEqual(again, Option.some({ streamId: ask.streamId, key, again: true }))
          assert.strictEqual((yield* details(ask.streamId)).broadcaster.id, input.key.key.broadcasterId)
          assert.strictEqual((yield* details(ask.streamId)).stream.title, order.label)

          yield* refused(askFor(order), "stream_key_expired")
          const admissions = yield* Admissions
          yield* admissions.endGone(ask.streamId)
          yield* refused(askFor(order), "stream_key_expired")
          yield* refused(ask, "stream_key_in_use")
          assert.isTrue(Option.isNone(yield* takeOver(askFor(order))))
        })
      )
    )

    law(
      "a check does not use a worker's key up, and refuses one that is used",
      leading((holder) =>
        Effect.gen(function* () {
          const { order } = yield* aWorkerKey(holder)
          const admissions = yield* Admissions
          const { hash, path } = order
          const check = Effect.map(admissions.facts({ hash, path, sourceId: null }), (facts) =>
            decideCheck({ path, reserved: true }, facts)
          )
          const good = { _tag: "Good", key: { id: order.keyId, prefix: order.keyPrefix } } as const
          assert.deepStrictEqual([yield* check, yield* check], [good, good])
          assert.isTrue(Option.isSome(yield* admit(askFor(order))))
          const used = yield* check
          assert.strictEqual(used._tag === "Refuse" ? used.reason : used._tag, "stream_key_expired")
        })
      )
    )

    law(
      "of many connections with one worker's key, one is admitted",
      leading((holder) =>
        Effect.gen(function* () {
          const { order } = yield* aWorkerKey(holder)
          const answers = yield* Effect.forEach(
            Array.from({ length: 8 }, () => askFor(order)),
            admit,
            {
              concurrency: "unbounded"
            }
          )
          assert.strictEqual(answers.filter(Option.isSome).length, 1)
        })
      )
    )

    law(
      "a worker's key is good for its path alone, and only within its time",
      leading((holder) =>
        Effect.gen(function* () {
          const { order, input } = yield* aWorkerKey(holder)
          yield* refused(askFor(order, { path: pipelinePath(newPipeline(), "out") }), "path_not_allowed")
          yield* refused(askFor(order, { path: input.ask.path, reserved: false }), "path_not_allowed")
          for (let life = 100; ; life *= 2) {
            const [unspent, slow] = [yield* aWorkerKey(holder, life), yield* aWorkerKey(holder, life)]
            const ask = askFor(slow.order)
            // On a busy machine its time may be over by now.
            if (Option.isNone(yield* admit(ask))) continue
            yield* elapse(life + 50)
            yield* refused(askFor(unspent.order), "stream_key_expired")
            const sessions = yield* Sessions
            yield* sessions.requestStopsForInvalidKeys
            assert.deepInclude(yield* stateOf(ask.streamId), { _tag: "Connecting", ending: null })
            return assert.isTrue(Option.isSome(yield* admit(ask)), "the same connection, which has its stream")
          }
        })
      )
    )

    law(
      "on an output that is reserved only its worker publishes, whatever another key allows; elsewhere others do",
      leading((holder) =>
        Effect.gen(function* () {
          const { order, pipeline, input } = yield* aWorkerKey(holder)
          const { broadcasterId } = input.key.key
          const limits = [null, "live/**", `live/${pipeline}/*`, order.path] as ReadonlyArray<PathLimitText | null>
          for (const path of limits) {
            const key = yield* aKey({ broadcasterId, path })
            yield* refused(askFor(order, { hash: key.hash }), "path_not_allowed")
            if (path !== order.path) {
              const ask = anAsk(key, { path: pipelinePath(newPipeline(), "out") })
              assert.strictEqual(Option.isSome(yield* admit(ask)), path === null || path === "live/**")
            }
          }
        })
      )
    )

    law(
      "a worker publishes on its output although another broadcaster's key claims the path, and its key claims none",
      leading((holder) =>
        Effect.gen(function* () {
          const { order } = yield* aWorkerKey(holder)
          const keys = yield* StreamKeys
          const other = yield* aBroadcaster()
          const claim = yield* keys.issue(anOrder(other.id, { path: order.path as PathLimitText }))
          assert.strictEqual(claim._tag, "Issued")
          assert.isTrue(Option.isSome(yield* admit(askFor(order))))
        })
      )
    )

    law(
      "a worker's key is in no list, cannot be found, and cannot be changed or revoked by its id",
      leading((holder) =>
        Effect.gen(function* () {
          const { order, input } = yield* aWorkerKey(holder)
          const keys = yield* StreamKeys
          const { broadcasterId } = input.key.key
          const page = { limit: null, after: null }
          const listed = yield* keys.list({ broadcasterId }, page)
          assert.deepStrictEqual(
            listed.items.map(({ id }) => id),
            [input.key.id]
          )
          assert.isTrue(Option.isNone(yield* keys.find(order.keyId)))
          assert.strictEqual((yield* keys.change(order.keyId, { enabled: false }))._tag, "NotFound")
          assert.isTrue(Option.isNone(yield* keys.revoke(order.keyId)))
          assert.isTrue(Option.isSome(yield* admit(askFor(order))))
        })
      )
    )

    law(
      "a worker's key goes with its broadcaster, and its stream with it",
      leading((holder) =>
        Effect.gen(function* () {
          const [live, unspent] = [yield* aWorkerKey(holder), yield* aWorkerKey(holder)]
          const ask = askFor(live.order)
          yield* admit(ask)
          const broadcasters = yield* Broadcasters
          for (const { input } of [live, unspent]) yield* broadcasters.remove(input.key.key.broadcasterId)
          const sessions = yield* Sessions
          yield* sessions.requestStopsForInvalidKeys
          const state = yield* stateOf(ask.streamId)
          assert.deepInclude(state._tag === "Inactive" ? {} : state.ending, { reason: "broadcaster_deleted" })
          yield* refused(askFor(unspent.order), "stream_key_revoked")
        })
      )
    )

    law(
      "the key for a source of the media server's own is its path's owner's, else the media server's, which comes back after it was deleted",
      leading((holder) =>
        Effect.gen(function* () {
          const workers = yield* Workers
          const admissions = yield* Admissions
          const broadcasters = yield* Broadcasters
          const { order: other } = yield* aWorkerKey(holder)
          const pipeline = newPipeline()
          const inputPath = pipelinePath(pipeline, "in")
          const fresh = () => ({
            ...other,
            keyId: newId<StreamKeyId>(),
            hash: new Uint8Array(randomBytes(32)),
            path: pipelinePath(pipeline, "out"),
            source: null,
            inputPath
          })
          const ownerAfter = Effect.fnUntraced(function* () {
            const order = fresh()
            assert.isFalse(yield* workers.issueKey(fresh(), "no holder"))
            assert.isTrue(yield* workers.issueKey(order, holder))
            const admitted = yield* admissions.admit(askFor(order))
            assert.isTrue(Option.isSome(admitted))
            const { streamId } = Option.getOrThrow(admitted)
            const stream = Option.getOrThrow(yield* (yield* Streams).find(streamId))
            yield* admissions.endGone(streamId)
            return stream.broadcaster.id
          })
          assert.strictEqual(yield* ownerAfter(), MEDIA_SERVER_BROADCASTER.id)
          assert.isTrue(yield* broadcasters.remove(MEDIA_SERVER_BROADCASTER.id))
          assert.isTrue(Option.isNone(yield* broadcasters.find(MEDIA_SERVER_BROADCASTER.id)))
          assert.strictEqual(yield* ownerAfter(), MEDIA_SERVER_BROADCASTER.id)
          const shown = Option.getOrThrow(yield* broadcasters.find(MEDIA_SERVER_BROADCASTER.id))
          assert.strictEqual(shown.displayName, MEDIA_SERVER_BROADCASTER.displayName)
          const studio = yield* aBroadcaster()
          const owned = yield* aKey({ path: inputPath as PathLimitText, broadcasterId: studio.id })
          assert.strictEqual(yield* ownerAfter(), studio.id)
          yield* (yield* StreamKeys).revoke(owned.id)
          assert.strictEqual(yield* ownerAfter(), MEDIA_SERVER_BROADCASTER.id)
        })
      )
    )

    law(
      "no key is issued without the lease, nor for a source that has ended, is being taken off, or never was",
      Effect.gen(function* () {
        const workers = yield* Workers
        const { order, input } = yield* leading(aWorkerKey)
        const another = () => ({ ...order, keyId: newId<StreamKeyId>(), hash: new Uint8Array(randomBytes(32)) })
        assert.isFalse(yield* workers.issueKey(another(), "no holder"))
        yield* leading((holder) =>
          Effect.gen(function* () {
            assert.isTrue(yield* workers.issueKey(another(), holder))
            assert.isFalse(yield* workers.issueKey({ ...another(), source: newId<StreamId>() }, holder))
            const sessions = yield* Sessions
            yield* sessions.requestStop(input.id, "stopped", null)
            assert.isFalse(yield* workers.issueKey(another(), holder))
            const admissions = yield* Admissions
            yield* admissions.endGone(input.id)
            assert.isFalse(yield* workers.issueKey(another(), holder))
          })
        )
      })
    )
  })
