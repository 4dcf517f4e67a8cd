/**
 * The sessions that this process has let in a moment ago, until the media server lists them. MediaMTX asks with ids that never become a session's (the first
 * of RTSP, pages): what is not taken within `KEPT_MS` is forgotten and does not count.
 */
import type { TokenGrant } from "../domain/playback/PlaybackToken.ts"

/** From its auth call to its PLAY an RTSP player with a slow link may take seconds. */
const KEPT_MS = 10_000
const KEPT_MAX = 20_000

export interface AdmittedViewer {
  readonly path: string
  readonly ip: string | null
  readonly userAgent: string | null
  readonly grant: TokenGrant | null
  /** Of the monotonic clock, in milliseconds. */
  readonly at: number
}

export class AdmittedViewers {
  /** In the order in which they came. */
  readonly #byId = new Map<string, AdmittedViewer>()

  add(id: string, viewer: AdmittedViewer): void {
    this.#byId.delete(id)
    this.#byId.set(id, viewer)
    for (const [oldest, { at }] of this.#byId) {
      if (this.#byId.size <= KEPT_MAX && viewer.at - at < KEPT_MS) return
      this.#byId.delete(oldest)
    }
  }

  find(id: string): AdmittedViewer | null {
    return this.#byId.get(id) ?? null
  }
}
