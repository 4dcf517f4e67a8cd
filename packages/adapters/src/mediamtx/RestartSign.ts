/**
 * Counts the restarts of a media server without `started` (MediaMTX up to 1.15.1), as one snapshot after the other shows them. Two signs must
 * come together:
 * - since then it refused a connection or ended one of ours, as the system does for a process that has ended;
 * - this snapshot has no connection of the last one. Connection ids are random and never repeat, so one that is still there
 *   proves the same process.
 * Connections to the control API are kept for longer than the second between two snapshots, so a restart in between is seen.
 *
 * Limits:
 * - it misses a restart of a server without connections, and of a server behind a proxy that answers by itself;
 * - it misses a restart between two snapshots that are farther apart than the connections are kept;
 * - it reports a restart when a network or a proxy ends connections while all publishers and readers leave.
 * Sessions that are gone end in every case; only the reason of their end can be wrong.
 */
import type { MediaServerSnapshot } from "@greenroom/core"

type Listed = Pick<MediaServerSnapshot, "sources" | "paths">

export interface RestartSign {
  readonly onCut: () => void
  /** To be called once for each complete snapshot, in order. */
  readonly seenAt: (snapshot: Listed) => NonNullable<MediaServerSnapshot["restartsSeen"]>
}

const idsOf = ({ sources, paths }: Listed): ReadonlySet<string> =>
  new Set([...sources.map(({ id }) => id), ...paths.map(({ sourceId }) => sourceId)])

export const makeRestartSign = (): RestartSign => {
  let count = 0
  let wasCut = false
  let before: ReadonlySet<string> = new Set()
  return {
    onCut: () => {
      wasCut = true
    },
    seenAt: (snapshot) => {
      const ids = idsOf(snapshot)
      const now = wasCut && before.size > 0 && ![...before].some((id) => ids.has(id))
      if (now) count++
      wasCut = false
      before = ids
      return { count, now }
    }
  }
}
