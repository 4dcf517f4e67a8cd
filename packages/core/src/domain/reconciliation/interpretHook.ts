/**
 * What follows from the media server's hooks while it cannot be observed: the pure part. A hook changes
 * nothing while the control API answers; `HookInbox` decides when that is.
 *
 * Ready and not-ready of one source, or of several on one path, come in any order, twice, late or never. Therefore a hook that names its
 * source applies to that source's session only, and one that names only a path is ignored where it could mean another session.
 */
import type { DateTime } from "effect"
import { occupiesKeyAndPath } from "../streams/LiveStream.ts"
import { familyOf, sourceTypes } from "../streams/Protocol.ts"
import type { StreamId } from "../values/Ids.ts"
import { millisBetween } from "../values/Timestamp.ts"
import { isConnectionType } from "./MediaServerSnapshot.ts"
import type { StoredSession } from "./StoreSnapshot.ts"

export interface Hook {
  readonly kind: "ready" | "not_ready"
  readonly path: string
  /** MediaMTX's term for the source (`rtmpConn`), or `rtmp`, `rtsp`, `webrtc`, `srt`. */
  readonly sourceType?: string | undefined
  readonly sourceId?: string | undefined
  /** Whether the call carried a secret: any client may send ready, but only the media server not-ready. */
  readonly protected: boolean
}

export type HookInterpretation =
  | { readonly _tag: "Ready"; readonly streamId: StreamId; readonly sourceType: string }
  | { readonly _tag: "End"; readonly streamId: StreamId }

/** MediaMTX's hooks race one another by less than this; what has been ready for longer was not overtaken. */
const HOOKS_RACE_MS = 2_000

/** Not a connection but a source of the media server's own (`rtspSource`, `rpiCameraSource`), which no session has. */
const ownType = /Source$/

const sourceTypeOf = ({ sourceType = "" }: Hook, { source }: StoredSession): string =>
  isConnectionType(sourceType) ? sourceType : source.protocol === null ? "unknown" : sourceTypes[source.protocol]

/** An RTSP client may pause, which takes its path away, and record again under the same id. */
const mayPause = ({ source }: StoredSession): boolean =>
  source.protocol === null || familyOf(source.protocol) === "rtsp"

const isOf = (hook: Hook, session: StoredSession): boolean =>
  session.path === hook.path &&
  (hook.sourceId === undefined ? occupiesKeyAndPath(session.state) : session.source.id === hook.sourceId)

const hasEnded = (hook: Hook, session: StoredSession, receivedAt: DateTime.Utc): boolean => {
  if (!hook.protected || (mayPause(session) && session.state.ending === null)) return false
  if (hook.sourceId !== undefined) return true
  return session.state._tag === "Active" && millisBetween(session.state.readyAt, receivedAt) >= HOOKS_RACE_MS
}

/** What follows from the hook, received at `receivedAt`, for the open sessions; `null` when nothing does. */
export const interpretHook = (
  hook: Hook,
  open: ReadonlyArray<StoredSession>,
  receivedAt: DateTime.Utc
): HookInterpretation | null => {
  if (hook.sourceType !== undefined && ownType.test(hook.sourceType)) return null
  const session = open.find((one) => isOf(hook, one))
  if (session === undefined) return null
  const { streamId } = session
  if (hook.kind === "not_ready") return hasEnded(hook, session, receivedAt) ? { _tag: "End", streamId } : null
  const tooNew = hook.sourceId === undefined && millisBetween(session.state.startedAt, receivedAt) < 0
  return session.state._tag === "Active" || tooNew
    ? null
    : { _tag: "Ready", streamId, sourceType: sourceTypeOf(hook, session) }
}
