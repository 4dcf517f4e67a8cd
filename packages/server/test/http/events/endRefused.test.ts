/** Event streams of tokens that are refused meanwhile are ended; others go on. */

import { once } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { layer as memory } from "@greenroom/adapters/memory"
import { type ApiTokenId, ApiTokens, replacePorts, type Scope, StoreUnavailable } from "@greenroom/core"
import { newId } from "@greenroom/testing/fixtures"
import { Effect } from "effect"
import { BoundedOutput } from "../../../src/http/events/BoundedOutput.ts"
import type { EventReader } from "../../../src/http/events/EventReader.ts"
import { endRefused } from "../../../src/http/events/endRefused.ts"

const reader = (token: ApiTokenId | null): EventReader => ({
  filter: {},
  output: new BoundedOutput({ cut: () => undefined, onDropped: () => undefined }),
  token,
  ends: null,
  cursor: null
})

const aToken = Effect.fnUntraced(function* (scopes: ReadonlyArray<Scope>) {
  const tokens = yield* ApiTokens
  const id = newId<ApiTokenId>()
  const hash = crypto.getRandomValues(new Uint8Array(32))
  yield* tokens.create({ id, hash, name: "wall", scopes, broadcasterId: null, expiresAt: null })
  return id
})

describe("endRefused", () => {
  it.effect("ends the streams of tokens that are gone or have lost the scope, and no other", () =>
    Effect.gen(function* () {
      const tokens = yield* ApiTokens
      const [kept, gone, changed] = [
        yield* aToken(["events:read"]),
        yield* aToken(["admin"]),
        yield* aToken(["events:read"])
      ]
      const readers = [null, kept, gone, gone, changed].map(reader)
      const ended = readers.map(() => false)
      readers.forEach(({ output }, index) => {
        output.on("end", () => {
          ended[index] = true
        })
        output.resume()
      })
      // Node asks a stream for its first bytes in a later turn.
      yield* Effect.promise(() => new Promise(setImmediate))
      yield* endRefused(readers)
      yield* tokens.remove(gone)
      yield* tokens.change(changed, { scopes: ["keys:read"] })
      const ends = Promise.all(readers.slice(2).map(({ output }) => once(output, "end")))
      yield* endRefused(readers)
      yield* Effect.promise(() => ends)
      assert.deepStrictEqual(ended, [false, false, true, true, true])
      for (const { output } of readers) output.destroy()
    }).pipe(Effect.provide(memory))
  )

  it.effect("ends none while the store does not answer", () =>
    Effect.gen(function* () {
      const one = reader(newId<ApiTokenId>())
      let ended = false
      one.output.on("end", () => {
        ended = true
      })
      one.output.resume()
      yield* endRefused([one])
      yield* Effect.promise(() => new Promise(setImmediate))
      assert.isFalse(ended)
      one.output.destroy()
    }).pipe(
      Effect.provide(
        replacePorts(({ apiTokens }) => ({
          apiTokens: {
            ...apiTokens,
            authenticateId: () => Effect.fail(new StoreUnavailable({ operation: "a test", cause: new Error("away") }))
          }
        }))
      ),
      Effect.provide(memory)
    )
  )
})
