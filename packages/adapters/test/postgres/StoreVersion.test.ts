/** What a version of the store has to show: writes that were under way when it was read, in savepoints too, and a server that is another. */
import { assert, layer } from "@effect/vitest"
import { type StreamFilter, type StreamId, Streams } from "@greenroom/core"
import { aSession } from "@greenroom/testing/fixtures"
import { Effect } from "effect"
import { aClient, usePostgresWorld } from "../fixtures/postgresWorld.ts"

const everything = { limit: null, after: null }

const titleSince = Effect.fnUntraced(function* (id: StreamId, path: string, since: string | null) {
  const streams = yield* Streams
  const filter: StreamFilter = { status: ["connecting"], path }
  const { items, version } = yield* streams.listSince(filter, everything, since)
  assert.deepStrictEqual(
    items.map((item) => item.id),
    [id]
  )
  return { title: items[0]!.stream === null ? "unchanged" : items[0]!.stream.title, version }
})

layer(usePostgresWorld(), { excludeTestServices: true, timeout: "2 minutes" })("the version of the store", (it) => {
  for (const savepoint of [false, true]) {
    it.effect(`shows what was being written when it was read${savepoint ? ", after a savepoint" : ""}`, () =>
      Effect.gen(function* () {
        const streams = yield* Streams
        const [writer, other] = [yield* aClient, yield* aClient]
        const { id, ask } = yield* aSession()
        yield* writer`begin`
        yield* writer`select pg_current_xact_id()::text`
        if (savepoint) yield* writer`savepoint inner_one`
        yield* writer`update streams set title = 'Written' where id = ${id}`
        if (savepoint) yield* writer`release savepoint inner_one`
        // A younger transaction ends first, so that the version reaches beyond that of the writer.
        yield* other`select pg_current_xact_id()::text`
        const before = yield* titleSince(id, ask.path, null)
        assert.isNull(before.title)
        yield* writer`commit`
        assert.notStrictEqual((yield* streams.version).version, before.version)
        const after = yield* titleSince(id, ask.path, before.version)
        assert.strictEqual(after.title, "Written")
      }).pipe(Effect.scoped)
    )
  }

  it.effect("of another server is one since which all has changed", () =>
    Effect.gen(function* () {
      const { id, ask } = yield* aSession()
      const { version } = yield* titleSince(id, ask.path, null)
      const [started = ""] = version.split("/")
      const elsewhere = version.replace(started, String(BigInt(started) + 1n))
      assert.isNull((yield* titleSince(id, ask.path, elsewhere)).title)
    })
  )
})
