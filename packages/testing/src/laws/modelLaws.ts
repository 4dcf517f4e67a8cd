/**
 * The store against the domain's pure functions, over random histories: sessions move as `applyEvent` allows and in no other way,
 * and an admission is written exactly when `decideAdmission` admits, whatever was issued, revoked, suspended, stopped and ended before it.
 */
import { randomBytes } from "node:crypto"
import {
  Admissions,
  applyEvent,
  decideAdmission,
  endReasonOf,
  type PathLimitText,
  type SessionChange,
  type SessionState,
  Sessions,
  type StreamId,
  StreamKeys
} from "@greenroom/core"
import { DateTime, Effect, Option, Result, Schema } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, aKey, anAsk, aSession, eventTypes, type Key, stateOf, tryToExpire } from "../fixtures.ts"
import { contract, everyStreamIsTheFoldOfItsEvents, type StoreUnderTest } from "./contract.ts"

const At = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))

const Move = Schema.Union([
  Schema.Struct({ at: At, move: Schema.Literals(["ready", "kick", "left", "restarted", "gone"]) }),
  Schema.Struct({ at: At, move: Schema.Literal("stop"), reason: Schema.Literals(["stopped", "revoked", "superseded"]) })
])
type Move = typeof Move.Type

/** What the move would be as an event of a session in this state; `null` when it is no event. */
const happeningOf = (step: Move, state: SessionState): SessionChange | null => {
  switch (step.move) {
    case "ready":
      return { type: "ready", sourceType: "rtmpConn" }
    case "kick":
      return { type: "kicked" }
    case "stop":
      return { type: "stop_requested", reason: step.reason }
    default:
      return state._tag === "Inactive"
        ? null
        : { type: "ended", reason: endReasonOf(state, step.move === "restarted" ? "media_server_restarted" : "left") }
  }
}

/** A state without its times, which are the store's own. */
const timeless = (state: SessionState) => ({
  tag: state._tag,
  sourceType: state._tag === "Connecting" ? null : state.sourceType,
  ending: state.ending === null ? null : { reason: state.ending.reason, kicked: state.ending.kickedAt !== null },
  reason: state._tag === "Inactive" ? state.reason : null
})

const make = Effect.fnUntraced(function* (step: Move, id: StreamId) {
  const sessions = yield* Sessions
  const admissions = yield* Admissions
  switch (step.move) {
    case "ready":
      return yield* sessions.markReady([{ streamId: id, sourceType: "rtmpConn" }], null)
    case "kick":
      return yield* sessions.markKicked([id], null)
    case "stop":
      return yield* sessions.requestStop(id, step.reason, null)
    case "gone":
      return yield* admissions.endGone(id)
    default:
      return yield* sessions.end([id], step.move === "restarted" ? "media_server_restarted" : "left", null)
  }
})

const Step = Schema.Union([
  Schema.Struct({ step: Schema.Literal("issue"), owner: Schema.Literals([0, 1]), limit: At }),
  Schema.Struct({ step: Schema.Literals(["revoke", "disable", "enable"]), key: At }),
  Schema.Struct({ step: Schema.Literal("expire"), key: At }),
  Schema.Struct({ step: Schema.Literal("ask"), key: At, path: At, source: At }),
  Schema.Struct({ step: Schema.Literal("ask"), key: At, path: At, source: At }),
  Schema.Struct({ step: Schema.Literal("ask"), key: At, path: At, source: At }),
  Schema.Struct({ step: Schema.Literal("move"), made: Move })
])

const paths = ["a", "a/b", "a/b/c", "b", "b/a", "ab"]
const limits = [null, "a", "a/*", "a/**", "b/a", "**"]

export const modelLaws = (store: StoreUnderTest) =>
  contract("The store and the domain", store, (_, property) => {
    const runs = store.clock === "real" ? 25 : 300

    property(
      "sessions move as the state machine allows and in no other way",
      Schema.Struct({ steps: Schema.Array(Move) }),
      Effect.fnUntraced(function* ({ steps }) {
        const ids: Array<StreamId> = []
        for (let index = 0; index < 3; index++) ids.push((yield* aSession()).id)
        const at = DateTime.makeUnsafe(0)
        const model = ids.map((): { state: SessionState; types: Array<string> } => ({
          state: { _tag: "Connecting", startedAt: at, ending: null },
          types: ["admitted"]
        }))
        for (const step of steps) {
          const index = step.at % ids.length
          const expected = model[index]!
          const happening = happeningOf(step, expected.state)
          const next = happening === null ? null : applyEvent(expected.state, { ...happening, seq: 0, at })
          if (happening !== null && next !== null && Result.isSuccess(next)) {
            model[index] = { state: next.success, types: [...expected.types, happening.type] }
          }
          yield* make(step, ids[index]!)
          assert.deepStrictEqual(timeless(yield* stateOf(ids[index]!)), timeless(model[index]!.state))
        }
        for (const [index, id] of ids.entries()) assert.deepStrictEqual(yield* eventTypes(id), model[index]!.types)
        yield* everyStreamIsTheFoldOfItsEvents
      }),
      { runs, size: 30 }
    )

    property(
      "an admission is written exactly when the decision is to admit",
      Schema.Struct({ steps: Schema.Array(Step) }),
      Effect.fnUntraced(function* ({ steps }) {
        const keys = yield* StreamKeys
        const admissions = yield* Admissions
        const world = randomBytes(6).toString("hex")
        const owners = [yield* aBroadcaster(), yield* aBroadcaster()]
        const issued: Array<Key> = [yield* aKey({ broadcasterId: owners[0]!.id })]
        const made: Array<StreamId> = []
        const pick = <A>(from: ReadonlyArray<A>, index: number) => from[index % from.length]!
        for (const step of steps) {
          switch (step.step) {
            case "issue": {
              const limit = limits[step.limit]
              const path = limit === null ? null : (`${world}/${limit}` as PathLimitText)
              const order = { broadcasterId: owners[step.owner]!.id, path }
              const result = yield* Effect.result(aKey(order).pipe(Effect.catchDefect(Effect.fail)))
              if (Result.isSuccess(result)) issued.push(result.success)
              break
            }
            case "revoke":
              yield* keys.revoke(pick(issued, step.key).id)
              break
            case "disable":
            case "enable":
              yield* keys.change(pick(issued, step.key).id, { enabled: step.step === "enable" })
              break
            case "expire":
              yield* tryToExpire(pick(issued, step.key).id)
              break
            case "move":
              if (made.length > 0) yield* make(step.made, pick(made, step.made.at))
              break
            case "ask": {
              const path = `${world}/${pick(paths, step.path)}`
              const ask = anAsk(pick(issued, step.key), { path, sourceId: `${world}-${step.source}` })
              const decision = decideAdmission(ask, yield* admissions.facts(ask))
              const admitted = yield* admissions.admit(ask)
              const expected =
                decision._tag === "Admit"
                  ? { streamId: ask.streamId, again: false }
                  : decision._tag === "Again"
                    ? { streamId: decision.streamId, again: true }
                    : null
              assert.deepStrictEqual(
                Option.getOrNull(Option.map(admitted, ({ streamId, again }) => ({ streamId, again }))),
                expected
              )
              if (expected !== null && !expected.again) made.push(expected.streamId)
            }
          }
        }
        yield* everyStreamIsTheFoldOfItsEvents
      }),
      { runs, size: 40 }
    )
  })
