/** `gr.streams`: what is live, and what was. */
import * as Core from "@greenroom/core"
import { Effect, Option } from "effect"
import { fieldsOf, given, limitOf, unchecked } from "./argumentForms.ts"
import { type BroadcasterRef, idOfRef } from "./broadcasterMethods.ts"
import { orNull, type Run } from "./run.ts"
import { type Stream, streamShape } from "./shapes.ts"

export interface LiveFilter {
  readonly broadcaster?: BroadcasterRef
  readonly path?: string
  /** `connecting`: admitted, and not on the air yet. Left out: both. */
  readonly status?: "connecting" | "active"
  /** At most 1,000; 100 unless given. */
  readonly limit?: number
}

export interface Annotation {
  readonly title?: string | null
  readonly description?: string | null
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Where the recording lies, in your words. */
  readonly recordingRef?: string | null
}

export interface Streams {
  /** The newest first, with the URLs that play. */
  readonly live: (filter?: LiveFilter) => Promise<ReadonlyArray<Stream>>
  /** Live or past. */
  readonly get: (id: string) => Promise<Stream | null>
  /** Takes it off the air. Its key stays good; with `blockSeconds` (1 to 3,600) it may not publish on that path for so long. `offAir`: the media server has confirmed it. `null`: there is no such stream. */
  readonly stop: (id: string, options?: Core.StopOptions) => Promise<{ readonly offAir: boolean } | null>
  readonly annotate: (id: string, annotation: Annotation) => Promise<Stream | null>
}

const live = Effect.fnUntraced(function* ({ broadcaster, path, status, limit }: LiveFilter) {
  const broadcasterId = broadcaster === undefined ? undefined : yield* idOfRef(broadcaster)
  const found = yield* Core.listActive(
    { status: status === undefined ? ["connecting", "active"] : [status], ...given({ broadcasterId, path }) },
    { limit: limitOf(limit), after: null }
  )
  return found.items.map(streamShape)
})

const shown = <E, R>(program: Effect.Effect<Option.Option<Core.PlayableStream>, E, R>) =>
  Effect.map(orNull(program), (view) => (view === null ? null : streamShape(view)))

export const streamsOf = (run: Run): Streams => ({
  live: (filter = {}) => run(Effect.suspend(() => live(fieldsOf("filter", filter)))),
  get: (id) => run(shown(Effect.suspend(() => Core.describeStream(unchecked(id))))),
  stop: (id, options = {}) =>
    run(
      Effect.suspend(() => Core.stopStream(unchecked(id), fieldsOf("options", options))).pipe(
        Effect.map(Option.map(({ offAir }) => ({ offAir }))),
        orNull
      )
    ),
  annotate: (id, annotation) =>
    run(
      shown(
        Effect.suspend(() => {
          const { title, description, metadata, recordingRef } = fieldsOf("annotation", annotation)
          return Core.annotateStream(unchecked(id), given({ title, description, metadata, recordingRef }))
        })
      )
    )
})
