/**
 * What auth calls of viewers leave to be written: refusals, as events, and the tokens that applications have signed, at their first use. A call adds
 * it in memory and waits for nothing; a loop writes once a second.
 */
import { Context, Effect, Layer, Metric, Queue } from "effect"
import type { PlaybackToken } from "../domain/playback/PlaybackToken.ts"
import type { ViewerRefusal } from "../domain/viewers/Viewer.ts"
import * as Metrics from "../Metrics.ts"
import { PlaybackTokens } from "../ports/PlaybackTokens.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { Viewers } from "../ports/Viewers.ts"
import { makeConditions } from "../resilience/Conditions.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { type LoopCondition, underCondition } from "../resilience/underCondition.ts"

/** What comes in a second is written in one statement. */
const WRITE_EVERY_MS = 1_000
/** Refusals of a second that become events; the others are in the decision log and in the metric alone. */
const REFUSALS_A_SECOND = 10
const REFUSALS_WAITING_MAX = 100
const TOKENS_AT_ONCE = 200
const TOKENS_WAITING_MAX = 5_000
/** Tokens that need not be written again by this process. */
const TOKENS_KNOWN_MAX = 20_000

const notWritten: LoopCondition = {
  kind: "viewer_notes_not_written",
  begins: "refusals of viewers and tokens that applications have signed cannot be written; they wait",
  over: "refusals of viewers and tokens that applications have signed are written again",
  defect: "a defect in the notes of viewers"
}

export type SeenToken = Omit<PlaybackToken, "revokedAt">

export class ViewerNotes extends Context.Service<
  ViewerNotes,
  {
    readonly refused: (refusal: ViewerRefusal) => Effect.Effect<void>
    readonly seen: (token: SeenToken) => Effect.Effect<void>
  }
>()("greenroom/ViewerNotes") {
  static readonly layer: Layer.Layer<ViewerNotes, never, Repositories> = Layer.effect(
    ViewerNotes,
    Effect.gen(function* () {
      const viewers = yield* Viewers
      const tokens = yield* PlaybackTokens
      const wakes = yield* Queue.sliding<void>(1)
      const conditions = makeConditions()
      const refusals: Array<ViewerRefusal> = []
      const waiting = new Map<string, SeenToken>()
      const known = new Set<string>()
      let second = { begun: Number.NEGATIVE_INFINITY, taken: 0 }

      const refused = Effect.fnUntraced(function* (refusal: ViewerRefusal) {
        const now = yield* monotonicMillis
        if (now - second.begun >= 1_000) second = { begun: now, taken: 0 }
        second.taken++
        if (second.taken > REFUSALS_A_SECOND || refusals.length >= REFUSALS_WAITING_MAX) {
          return yield* Metric.update(Metrics.viewerNotesDropped("refusal"), 1)
        }
        refusals.push(refusal)
        yield* Queue.offer(wakes, undefined)
      })

      const seen = Effect.fnUntraced(function* (token: SeenToken) {
        if (known.has(token.id) || waiting.has(token.id)) return
        if (waiting.size >= TOKENS_WAITING_MAX) return yield* Metric.update(Metrics.viewerNotesDropped("token"), 1)
        waiting.set(token.id, token)
        yield* Queue.offer(wakes, undefined)
      })

      const remember = (ids: Iterable<string>) => {
        for (const id of ids) {
          known.add(id)
          waiting.delete(id)
        }
        for (const id of known) {
          if (known.size <= TOKENS_KNOWN_MAX) return
          known.delete(id)
        }
      }
      const write = Effect.gen(function* () {
        while (waiting.size > 0) {
          const some = [...waiting.values()].slice(0, TOKENS_AT_ONCE)
          yield* tokens.recordSeen(some)
          remember(some.map(({ id }) => id))
        }
        const batch = refusals.slice(0, REFUSALS_WAITING_MAX)
        if (batch.length === 0) return
        yield* Effect.tapError(viewers.recordRefused(batch), ({ rolledBack }) =>
          Effect.sync(() => {
            // The store itself has refused them: it would again.
            if (rolledBack === true) refusals.splice(0, batch.length)
          })
        )
        refusals.splice(0, batch.length)
      })
      const turn = Effect.gen(function* () {
        yield* Queue.take(wakes)
        yield* Effect.sleep(WRITE_EVERY_MS)
        if (!(yield* underCondition(write, conditions, notWritten))) yield* Queue.offer(wakes, undefined)
      })
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(write, "1 second")))
      yield* Effect.forkScoped(Effect.forever(turn))
      return ViewerNotes.of({ refused, seen })
    })
  )
}
