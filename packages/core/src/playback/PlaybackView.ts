/**
 * What this process knows in memory of who may watch: whose the live paths are, what was revoked, and the keys that verify. It is loaded from the
 * store and follows the event log from there.
 */
import type { LoggedEvent } from "../domain/events/LoggedEvent.ts"
import {
  addRevocations,
  noRevocations,
  type Revocations,
  type RevokedToken,
  type RevokedViewer
} from "../domain/playback/Revocations.ts"
import { type SigningKey, verifies } from "../domain/playback/SigningKey.ts"
import type { VerifierKeys } from "../ports/TokenSigner.ts"
import type { OpenPath } from "../ports/Viewers.ts"

export interface PlaybackView {
  /** By path: the stream that occupies it. `applyEvents` changes it in place: it may have thousands. */
  readonly paths: Map<string, OpenPath>
  readonly revocations: Revocations
  readonly keys: ReadonlyArray<SigningKey>
  readonly verifier: VerifierKeys
}

/** What events leave to be read from the store. */
export interface Stale {
  readonly paths: boolean
  readonly keys: boolean
}

export const nothingStale: Stale = { paths: false, keys: false }

const changesPolicies = new Set<string>(["key.changed", "broadcaster.changed"])
const changesKeys = new Set<string>(["signing_key.created", "signing_key.rotated", "signing_key.removed"])
const concerned = new Set<string>([
  ...changesPolicies,
  ...changesKeys,
  "stream.connecting",
  "stream.ended",
  "playback_token.revoked",
  "viewer.revoked"
])

/** Whether the event bears on who may watch. */
export const isConcerned = ({ type }: Pick<LoggedEvent, "type">): boolean => concerned.has(type)

interface Changes extends Pick<PlaybackView, "paths"> {
  readonly tokens: Array<RevokedToken>
  readonly viewers: Array<RevokedViewer>
  stale: Stale
}

const note = (event: LoggedEvent, { paths, tokens, viewers, stale }: Changes): Stale => {
  switch (event.type) {
    case "stream.connecting": {
      const { id: streamId, path, broadcaster, playback } = event.data.stream
      paths.set(path, { path, streamId, broadcasterId: broadcaster.id, playback })
      return stale
    }
    case "stream.ended": {
      const { id, path } = event.data.stream
      if (paths.get(path)?.streamId === id) paths.delete(path)
      return stale
    }
    case "playback_token.revoked":
      tokens.push(event.data)
      return stale
    case "viewer.revoked":
      viewers.push(event.data)
      return stale
    default:
      return {
        paths: stale.paths || changesPolicies.has(event.type),
        keys: stale.keys || changesKeys.has(event.type)
      }
  }
}

/** The view after the events, in their order. Events that come twice change nothing. `now`: seconds since 1970. */
export const applyEvents = (
  before: PlaybackView,
  events: ReadonlyArray<LoggedEvent>,
  now: number
): { readonly view: PlaybackView; readonly stale: Stale } => {
  if (events.length === 0) return { view: before, stale: nothingStale }
  const changes: Changes = { paths: before.paths, tokens: [], viewers: [], stale: nothingStale }
  for (const event of events) changes.stale = note(event, changes)
  const { tokens, viewers, stale } = changes
  const revoked = tokens.length > 0 || viewers.length > 0
  const revocations = revoked ? addRevocations(before.revocations, { tokens, viewers }, now) : before.revocations
  return { view: { ...before, revocations }, stale }
}

export const pathsOf = (open: ReadonlyArray<OpenPath>): Map<string, OpenPath> =>
  new Map(open.map((path) => [path.path, path]))

export const revocationsOf = (
  known: { readonly tokens: ReadonlyArray<RevokedToken>; readonly viewers: ReadonlyArray<RevokedViewer> },
  now: number
): Revocations => addRevocations(noRevocations, known, now)

/** Whether the key is there and still verifies. `now`: seconds since 1970. */
export const isGoodKey = ({ keys }: Pick<PlaybackView, "keys">, id: string, now: number): boolean => {
  const key = keys.find((one) => one.id === id)
  return key !== undefined && verifies(key, now)
}
