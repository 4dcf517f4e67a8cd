/**
 * Whether a media server without `started` (MediaMTX up to 1.15.1) is another process than at the last look. The sign is two things
 * at once: since that look it refused a connection or ended one of ours, as the system does for a process that has ended, and not
 * one of the connections that stood in that look stands in this one; their ids are random and never come again, so that one
 * which does proves the same process. Connections to the control API are kept for longer than the second between two looks: a process
 * that is gone and back in between is noticed, too.
 *
 * Limits. Not noticed: one that had no connection; one behind a proxy that answers itself; one that is gone and back while looks are
 * farther apart than those connections are kept. Taken for a restart: a network, or a proxy that ends connections by itself, when
 * all publishers and viewers leave between two looks. Sessions that are gone end in either case, for a reason that is not quite true.
 */
import type { MediaServerSnapshot } from "@greenroom/core"

type Listed = Pick<MediaServerSnapshot, "sources" | "paths">

export interface RestartSign {
  readonly onCut: () => void
  /** To be asked once for each whole look, in order. */
  readonly isIn: (look: Listed) => boolean
}

const idsOf = ({ sources, paths }: Listed): ReadonlySet<string> =>
  new Set([...sources.map(({ id }) => id), ...paths.map(({ sourceId }) => sourceId)])

export const makeRestartSign = (): RestartSign => {
  let wasCut = false
  let before: ReadonlySet<string> = new Set()
  return {
    onCut: () => {
      wasCut = true
    },
    isIn: (look) => {
      const ids = idsOf(look)
      const restarted = wasCut && before.size > 0 && ![...before].some((id) => ids.has(id))
      wasCut = false
      before = ids
      return restarted
    }
  }
}
