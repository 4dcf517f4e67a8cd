/** The sessions of the store as the reconciler reads them, before and after its snapshot of the media server. */
import type { DateTime } from "effect"
import type { SessionState } from "../streams/LiveStream.ts"
import type { Source } from "../streams/Protocol.ts"
import type { StreamId, StreamKeyId } from "../values/Ids.ts"

/** A session in a row of the store that has not ended. */
export interface StoredSession {
  readonly streamId: StreamId
  readonly streamKeyId: StreamKeyId
  readonly path: string
  readonly source: Source
  readonly state: Exclude<SessionState, { readonly _tag: "Inactive" }>
}

/** All open sessions at one moment of the store, and the database's clock in it. */
export interface StoreSnapshot {
  readonly now: DateTime.Utc
  readonly open: ReadonlyArray<StoredSession>
}

/** Read after the snapshot of the media server: with it is known which of the listed ids had a session that has ended. */
export interface StoreSnapshotAfter extends StoreSnapshot {
  readonly formerlyAdmitted: ReadonlySet<string>
}

/** Whether both hold the same sessions in the same states. A store that gives unchanged sessions as the same values makes it quick. */
export const areSameSessions = (one: StoreSnapshot["open"], other: StoreSnapshot["open"]): boolean =>
  one === other ||
  (one.length === other.length &&
    one.every((session, index) => {
      const counterpart = other[index]
      return session.streamId === counterpart?.streamId && session.state === counterpart.state
    }))
