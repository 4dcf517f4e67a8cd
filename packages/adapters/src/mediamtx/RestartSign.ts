/**
 * Whether a media server without `started` (MediaMTX up to 1.15.1) is another process than at the last look. The sign is two things
 * at once: since that look a call was refused or cut, as by a process that has ended, and not one of the connections that
 * stood in it stands in this one; ids are random and never come again, so one that does proves the same process.
 *
 * Limits. A process that is gone and back between two calls cuts none and is not noticed; nor is one behind a proxy that answers
 * itself; nor one that had no connection. A network that breaks for the API and for every publisher at once is taken for a
 * restart: the sessions are gone then all the same, under another reason.
 */
import type { Look } from "@greenroom/core"

type Listed = Pick<Look, "sources" | "paths">

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
