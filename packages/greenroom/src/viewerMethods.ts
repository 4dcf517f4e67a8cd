/** `gr.viewers`: who is watching, ending one session, and taking a viewer's rights away. */
import * as Core from "@greenroom/core"
import { Effect } from "effect"
import { fieldsOf, given, limitOf, timeOf, unchecked } from "./argumentForms.ts"
import { type BroadcasterRef, idOfRef } from "./broadcasterMethods.ts"
import { invalidArgument } from "./GreenroomError.ts"
import type { Run } from "./run.ts"
import { dateOfSeconds, type Viewer, viewerShape } from "./viewerShapes.ts"

export interface ViewerFilter {
  readonly path?: string
  /** The id of a stream. */
  readonly stream?: string
  readonly viewerId?: string
  readonly broadcaster?: BroadcasterRef
  /** At most 1,000; 100 unless given. */
  readonly limit?: number
}

export interface ViewerRevocation {
  readonly viewerId: string
  /** Tokens that were issued until then are not good any more. */
  readonly revokedAt: Date
  readonly until: Date | null
  /** How many known tokens were revoked. */
  readonly tokens: number
}

export interface Viewers {
  /** The newest first: the sessions that are watching now. */
  readonly list: (filter?: ViewerFilter) => Promise<ReadonlyArray<Viewer>>
  readonly count: (filter?: Omit<ViewerFilter, "limit">) => Promise<number>
  /** Ends one session; its player may come back. `false`: there is none with this id. Rejects with `media_server_unavailable`. */
  readonly kick: (id: string) => Promise<boolean>
  /**
   * All tokens of a viewer that were issued so far, and with `until` (at most 366 days ahead) those that are issued until then. Its sessions are ended.
   */
  readonly revoke: (viewerId: string, options?: { readonly until?: Date | string | null }) => Promise<ViewerRevocation>
}

const filterOf = Effect.fnUntraced(function* ({ path, stream, viewerId, broadcaster }: Omit<ViewerFilter, "limit">) {
  const broadcasterId = broadcaster === undefined ? undefined : yield* idOfRef(broadcaster)
  return given({
    path,
    streamId: unchecked<Core.StreamId | undefined>(stream),
    viewerId: unchecked<Core.ViewerId | undefined>(viewerId),
    broadcasterId
  })
})

const list = Effect.fnUntraced(function* ({ limit, ...filter }: ViewerFilter) {
  const { items } = yield* Core.listViewers(yield* filterOf(filter), { limit: limitOf(limit), after: null })
  return items.map(viewerShape)
})

const revoke = Effect.fnUntraced(function* (viewerId: string, given: { readonly until?: Date | string | null }) {
  const outcome = yield* Core.revokeViewer(unchecked(viewerId), timeOf("until", given.until) ?? null)
  if (outcome._tag !== "Revoked") {
    const expected = `expected a time in the future, at most ${Core.REVOKED_UNTIL_MAX_DAYS} days ahead`
    return yield* Effect.fail(invalidArgument("until", expected))
  }
  const { revoked, tokens } = outcome
  return {
    viewerId: revoked.viewerId,
    revokedAt: dateOfSeconds(revoked.at),
    until: revoked.until === null ? null : dateOfSeconds(revoked.until),
    tokens
  }
})

export const viewersOf = (run: Run): Viewers => ({
  list: (filter = {}) => run(Effect.suspend(() => list(fieldsOf("filter", filter)))),
  count: (filter = {}) =>
    run(Effect.suspend(() => Effect.flatMap(filterOf(fieldsOf("filter", filter)), Core.countViewers))),
  kick: (id) => run(Effect.suspend(() => Core.kickViewer(unchecked(id)))),
  revoke: (viewerId, options = {}) => run(Effect.suspend(() => revoke(viewerId, fieldsOf("options", options))))
})
