/** Kept lists: whatever is written between questions, each answer is the list as it is; and what has not changed is read once. */

import { gunzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import {
  Endpoints,
  type LiveStream,
  MediaServer,
  noEndpoints,
  noneEnabled,
  type PageRequest,
  type StreamFilter,
  type Streams
} from "@greenroom/core"
import { partialStore } from "@greenroom/testing"
import { Effect, Fiber, Layer, Schema } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import { TestClock } from "effect/testing"
import { playbackOf } from "../../../../core/src/domain/streams/PlaybackUrls.ts"
import { at, cases, NOW, streamId } from "../../../../core/test/support/arbitraries.ts"
import { aStream } from "../../../../core/test/support/listings.ts"
import { Stream } from "../../../src/http/api/streamSchemas.ts"
import { KEPT_BYTES_MAX, KEPT_LISTS_MAX, KeptLists } from "../../../src/http/lists/KeptLists.ts"
import { make as makeSlots } from "../../../src/http/lists/ListSlots.ts"
import { makeStreamLists } from "../../../src/http/lists/streamLists.ts"
import { streamShown } from "../../../src/http/routes/streamShown.ts"

interface Stored {
  readonly stream: LiveStream
  readonly changedAt: number
}

/** A store that counts what is read of it; `reading` runs within each read of a list. */
const makeStore = () => {
  const store = {
    streams: [] as Array<Stored>,
    version: 1,
    now: NOW,
    reads: { version: 0, list: 0, content: 0 },
    reading: Effect.void
  }
  const pageOf = ({ path }: StreamFilter, { limit }: PageRequest) => {
    const matching = store.streams.filter(({ stream }) => path === undefined || stream.path === path)
    const shown = matching.slice(0, limit ?? undefined)
    const last = shown.at(-1)?.stream
    const next =
      last === undefined || shown.length === matching.length ? null : { at: last.state.startedAt, id: last.id }
    return { shown, next }
  }
  const listSince: Streams["Service"]["listSince"] = (filter, page, since) =>
    Effect.andThen(
      store.reading,
      Effect.sync(() => {
        store.reads.list += 1
        const { shown, next } = pageOf(filter, page)
        const items = shown.map(({ stream, changedAt }) => {
          const isSame = since !== null && changedAt <= Number(since)
          if (!isSame) store.reads.content += 1
          return { id: stream.id, stream: isSame ? null : stream }
        })
        return { items, next, now: store.now, version: String(store.version) }
      })
    )
  const version: Streams["Service"]["version"] = Effect.sync(() => {
    store.reads.version += 1
    return { version: String(store.version), now: store.now }
  })
  const layer = Layer.mergeAll(
    partialStore({ streams: { listSince, version } }),
    Layer.succeed(Endpoints)(noEndpoints),
    Layer.mock(MediaServer)({ enabled: Effect.succeed(noneEnabled) })
  )
  const lists = makeStreamLists(makeSlots({ observe: () => undefined, close: () => undefined }))
  const ask = (query: Parameters<typeof lists>[0] = {}, headers: Record<string, string> = {}) =>
    Effect.flatMap(lists(query), (answer) => answer({ headers } as unknown as HttpServerRequest)).pipe(
      Effect.provide(layer)
    )
  const put = (n: number, more: Partial<LiveStream> = {}) => {
    const others = store.streams.filter(({ stream }) => stream.id !== streamId(n))
    const stored = { stream: aStream(n, more), changedAt: ++store.version }
    store.streams = [stored, ...others].toSorted((a, b) => (a.stream.id < b.stream.id ? 1 : -1))
  }
  return { store, ask, put, pageOf }
}

const bytesOf = ({ body }: HttpServerResponse) => (body._tag === "Uint8Array" ? body.body : new Uint8Array())
const jsonOf = (response: HttpServerResponse) => {
  const isZipped = response.headers["content-encoding"] === "gzip"
  return JSON.parse(Buffer.from(isZipped ? gunzipSync(bytesOf(response)) : bytesOf(response)).toString())
}
const tagOf = (response: HttpServerResponse) => response.headers.etag ?? ""

const encode = Schema.encodeSync(Schema.toCodecJson(Stream))
const withoutDuration = ({ duration_seconds: _, ...rest }: { duration_seconds: number }) => rest

const step = Schema.Struct({
  what: Schema.Literals(["put", "remove", "touch", "wait"]),
  which: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
  question: Schema.Literals(["all", "path", "page"])
})
const questions = { all: {}, path: { path: "live/2" as never }, page: { limit: 2 as never } }

describe("kept lists", () => {
  it.effect.prop(
    "are the lists as they are, whatever is written in between; a tag names one content",
    [Schema.Array(step)],
    ([steps]) =>
      Effect.gen(function* () {
        const { store, ask, put, pageOf } = makeStore()
        const contents = new Map<string, string>()
        let count = 0
        for (const { what, which, question } of steps) {
          count += 1
          if (what === "put") put(which, { title: `"é漢${count}` })
          if (what === "remove") store.streams = store.streams.filter(({ stream }) => stream.id !== streamId(which))
          if (what === "remove" || what === "touch") store.version += 1
          if (what === "wait") store.now = at(count * 300)
          const query = questions[question]
          const response = yield* ask(query, which > 2 ? { "accept-encoding": "gzip" } : {})
          const answer = jsonOf(response)
          const { shown, next } = pageOf(
            { status: ["active"], ...query },
            { limit: question === "page" ? 2 : null, after: null }
          )
          const expected = shown.map(
            ({ stream }) =>
              encode(
                streamShown({
                  stream,
                  policy: "public",
                  ...playbackOf(noEndpoints, noneEnabled, stream.path, []),
                  now: store.now
                })
              ) as { duration_seconds: number }
          )
          assert.deepStrictEqual(answer.streams.map(withoutDuration), expected.map(withoutDuration))
          assert.deepStrictEqual([answer.count, answer.next_cursor === null], [shown.length, next === null])
          for (const [index, { duration_seconds }] of expected.entries()) {
            const behind = duration_seconds - answer.streams[index].duration_seconds
            assert.isTrue(behind === 0 || behind === 1, `${behind} s behind`)
          }
          const { streams, ...rest } = answer
          const content = JSON.stringify([streams.map(withoutDuration), rest])
          assert.strictEqual(contents.get(content) ?? tagOf(response), tagOf(response), "one content has one tag")
          contents.set(content, tagOf(response))
        }
        assert.strictEqual(new Set(contents.values()).size, contents.size, "a tag is of one content")
      }),
    cases(200)
  )

  it.effect("are read once while the version stays, and then only what has changed", () =>
    Effect.gen(function* () {
      const { store, ask, put } = makeStore()
      for (const n of [1, 2, 3]) put(n)
      const first = yield* ask()
      assert.deepStrictEqual(store.reads, { version: 0, list: 1, content: 3 })
      const second = yield* ask()
      assert.strictEqual(bytesOf(second), bytesOf(first), "the same bytes")
      assert.deepStrictEqual(store.reads, { version: 1, list: 1, content: 3 })
      store.version += 1
      const third = yield* ask()
      assert.strictEqual(bytesOf(third), bytesOf(first), "what changed was no stream of the list")
      assert.deepStrictEqual(store.reads, { version: 2, list: 2, content: 3 })
      put(2, { title: "Another" })
      const fourth = yield* ask()
      assert.notStrictEqual(tagOf(fourth), tagOf(first))
      assert.deepStrictEqual(store.reads, { version: 3, list: 3, content: 4 })
    })
  )

  it.effect("have durations that are at most a second old", () =>
    Effect.gen(function* () {
      const { store, ask, put } = makeStore()
      put(1)
      const durations: Array<number> = []
      const tags = new Set<string>()
      for (const ms of [0, 999, 1_000, 1_999, 2_000]) {
        store.now = at(ms)
        const response = yield* ask()
        tags.add(tagOf(response))
        durations.push(jsonOf(response).streams[0].duration_seconds)
      }
      assert.deepStrictEqual(durations, [0, 0, 1, 1, 2])
      assert.strictEqual(tags.size, 1)
      assert.strictEqual(store.reads.list, 1)
    })
  )

  it.effect("show what was written while they were being read to those who ask then", () =>
    Effect.gen(function* () {
      const { store, ask, put } = makeStore()
      put(1)
      yield* ask()
      put(1, { title: "Before" })
      store.reading = Effect.sleep(10)
      const early = yield* Effect.forkChild(ask(), { startImmediately: true })
      yield* TestClock.adjust(9)
      put(1, { title: "Meanwhile" })
      const late = yield* Effect.forkChild(ask(), { startImmediately: true })
      yield* TestClock.adjust(100)
      assert.strictEqual(jsonOf(yield* Fiber.join(early)).streams[0].title, "Meanwhile", "it is read at the end")
      assert.strictEqual(jsonOf(yield* Fiber.join(late)).streams[0].title, "Meanwhile")
    })
  )

  it.effect("come compressed to those who take it, when that is worth it, and not at all to those who have them", () =>
    Effect.gen(function* () {
      const { ask, put } = makeStore()
      const gzip = { "accept-encoding": "gzip" }
      const small = yield* ask({}, gzip)
      assert.isUndefined(small.headers["content-encoding"])
      for (let n = 1; n <= 30; n++) put(n)
      const plain = yield* ask()
      const zipped = yield* ask({}, gzip)
      assert.deepStrictEqual(Buffer.from(gunzipSync(bytesOf(zipped))), Buffer.from(bytesOf(plain)))
      assert.isBelow(10 * bytesOf(zipped).length, bytesOf(plain).length)
      assert.strictEqual(bytesOf(yield* ask({}, gzip)), bytesOf(zipped), "compressed once")
      const known = yield* ask({}, { ...gzip, "if-none-match": tagOf(plain) })
      assert.deepStrictEqual([known.status, known.body._tag], [304, "Empty"])
      for (const response of [small, plain, zipped, known]) {
        assert.strictEqual(response.headers.vary, "Accept-Encoding")
        assert.strictEqual(response.headers["cache-control"], "private, no-cache")
        assert.match(tagOf(response), /^W\/"[\w-]{22}"$/)
      }
    })
  )

  it.effect.prop(
    "are bounded in number and bytes, and the one that was asked for the longest ago goes first",
    [Schema.Array(Schema.Tuple([Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })), Schema.Boolean]))],
    ([asked]) =>
      Effect.sync(() => {
        const kept = new KeptLists<{ readonly bytes: number }>()
        const model: Array<string> = []
        for (const [index, [number, isLarge]] of [...asked, ...asked].entries()) {
          const question = String(number + (index % 2) * 75)
          const place = model.indexOf(question)
          const found = kept.get(question)
          assert.strictEqual(found !== undefined, place >= 0)
          if (place >= 0) model.splice(place, 1)
          const bytes = isLarge ? KEPT_BYTES_MAX / 4 : 1_000
          kept.keep(question, { bytes })
          model.push(question)
          while (model.length > kept.size) model.shift()
          assert.isAtMost(kept.size, KEPT_LISTS_MAX)
          assert.isAtMost(kept.bytes, KEPT_BYTES_MAX)
        }
        kept.keep("too large", { bytes: KEPT_BYTES_MAX + 1 })
        assert.isUndefined(kept.get("too large"))
      }),
    cases(100)
  )

  it.effect("are forgotten one by one", () =>
    Effect.gen(function* () {
      const { ask, put, store } = makeStore()
      put(1)
      for (let n = 0; n <= KEPT_LISTS_MAX; n++) yield* ask({ limit: (n + 1) as never })
      const { list } = store.reads
      yield* ask({ limit: 2 as never })
      assert.strictEqual(store.reads.list, list)
      yield* ask({ limit: 1 as never })
      assert.strictEqual(store.reads.list, list + 1)
    })
  )
})
