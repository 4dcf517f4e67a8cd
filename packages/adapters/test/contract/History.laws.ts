/** The laws of `History`. */
import { assert } from "@effect/vitest"
import { Admissions, compareWithFold, History, Sessions, type StoredHistory, type StreamId } from "@greenroom/core"
import { Effect } from "effect"
import { contract, plain, type Store } from "./contract.ts"
import { anAsk, aSession, eventsOf } from "./world.ts"

/** All of it, in pages of so many. */
const wholeHistory = Effect.fnUntraced(function* (limit: number) {
  const history = yield* History
  const items: Array<StoredHistory> = []
  let after: StreamId | null = null
  do {
    const page: Effect.Success<ReturnType<typeof history.page>> = yield* history.page(after, limit)
    assert.isAtMost(page.items.length, limit)
    items.push(...page.items)
    after = page.next
  } while (after !== null)
  return items
})

/** One session for every way that a session can have come. */
const oneOfEach = Effect.gen(function* () {
  const sessions = yield* Sessions
  const admissions = yield* Admissions
  const [, ready, stopped, kicked, left, never, superseded, restarted] = yield* Effect.forEach(
    Array.from({ length: 8 }),
    () => aSession()
  )
  const seen = [ready, kicked, left].map((session) => ({ streamId: session!.id, sourceType: "rtmpConn" }))
  yield* sessions.markReady(seen, null)
  for (const session of [stopped!, kicked!]) yield* sessions.requestStop(session.id, "stopped", null)
  yield* sessions.markKicked([kicked!.id], null)
  yield* sessions.end([left!.id, never!.id, kicked!.id], "left", null)
  yield* sessions.end([restarted!.id], "media_server_restarted", null)
  yield* admissions.takeOver(anAsk(superseded!.key))
})

export const historyLaws = (store: Store) =>
  contract("History", store, (law) => {
    law(
      "an empty history is one empty page",
      Effect.gen(function* () {
        const history = yield* History
        assert.deepStrictEqual(yield* history.page(null, 10), { items: [], next: null })
      })
    )

    law(
      "every session is there once, in the order of the ids, with its events, whatever the size of the pages",
      Effect.gen(function* () {
        for (let round = 0; round < 3; round++) yield* oneOfEach
        const all = yield* wholeHistory(1_000)
        assert.strictEqual(all.length, 27)
        const ids = all.map(({ id }) => id)
        assert.deepStrictEqual(ids, ids.toSorted())
        for (const limit of [1, 2, 9, 26, 27, 28]) assert.deepStrictEqual(plain(yield* wholeHistory(limit)), plain(all))
        for (const { id, events } of all) {
          const told = yield* eventsOf(id)
          assert.deepStrictEqual(
            events.map(({ seq, type, at }) => plain({ seq, type, at })),
            told.map(({ seq, type, at }) => plain({ seq, type, at }))
          )
        }
      })
    )

    law(
      "what the repositories have written is the fold of its events",
      Effect.gen(function* () {
        yield* oneOfEach
        for (const stored of yield* wholeHistory(5)) assert.deepStrictEqual(compareWithFold(stored), [])
      })
    )
  })
