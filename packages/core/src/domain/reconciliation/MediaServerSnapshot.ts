/**
 * A snapshot of the media server: everything that its lists show between two equal values of `started`. A snapshot is always complete:
 * when a list cannot be read there is no snapshot, never an empty one.
 */
import type { Observation } from "../streams/LiveStream.ts"
import type { Protocol } from "../streams/Protocol.ts"
import type { ListedReader } from "../viewers/Viewer.ts"

/** A connection in a protocol's list, publisher or not. */
export interface ListedSource {
  readonly id: string
  /** The list that shows it. */
  readonly protocol: Protocol
  readonly state: "idle" | "read" | "publish"
  /** False for a WebRTC or MoQ session that is not on the air yet: its state is `publish` before it is authorised. */
  readonly established: boolean
  readonly path: string | null
}

/** An entry of the paths list that has a publisher for its source. */
export interface ListedPath {
  readonly name: string
  readonly ready: boolean
  /** MediaMTX's own term: `rtmpConn`, `rtspSession`, `srtConn`, `webRTCSession`, `moqSession`, … */
  readonly sourceType: string
  readonly sourceId: string
  readonly observation: Observation
  /** The media server has no list of such sources, so a missing entry shows nothing about this one. */
  readonly unlistable?: true
}

/** A path that is up with a source of the media server's own: one that it pulls, or makes itself. */
export interface OwnPath {
  readonly name: string
  /** When it came up, in the media server's words: another value is another run of the source. */
  readonly since: string
}

/** A source that a client connected with, as against those that MediaMTX pulls or makes itself (`rtspSource`, `redirect`, …). */
export const isConnectionType = (sourceType: string): boolean => /^\w{1,32}(Conn|Session)$/.test(sourceType)

export interface MediaServerSnapshot {
  /** `/v3/info`'s `started`: a new value is a new process, whose lists begin empty. */
  readonly started: string
  /**
   * Where the version has no `started`: the restarts that this instance has seen by other signs. `now`: one since its snapshot before. `count`: all
   * so far, because a snapshot between two complete passes must not hide the restart from the next pass.
   */
  readonly restartsSeen?: { readonly count: number; readonly now: boolean }
  readonly sources: ReadonlyArray<ListedSource>
  readonly paths: ReadonlyArray<ListedPath>
  readonly ownPaths: ReadonlyArray<OwnPath>
  /** The sessions that read a path, of every path. HLS has some since 1.18; before that its viewers are not listed. */
  readonly readers: ReadonlyArray<ListedReader>
}

/** The sources that are on a path and in no list. */
export interface Unlisted {
  /** In the last snapshot. One that came or left while its lists were read is among them. */
  readonly last: ReadonlySet<string>
  /** In the one before it, too. That no list has it does not prove that it is gone: its protocol may have none, or MediaMTX have lost it. */
  readonly lasting: ReadonlySet<string>
}

/** Before the first snapshot. */
export const noneUnlisted: Unlisted = { last: new Set(), lasting: new Set() }

/** Publishers that are on a path and in no list, after one more snapshot: `lasting` were so in the one before, too. */
export const nextUnlisted = (
  before: Unlisted,
  { sources, paths }: Pick<MediaServerSnapshot, "sources" | "paths">
): Unlisted => {
  const listed = new Set(sources.map(({ id }) => id))
  const last = new Set(paths.map(({ sourceId }) => sourceId).filter((id) => !listed.has(id)))
  return { last, lasting: new Set([...last].filter((id) => before.last.has(id))) }
}
