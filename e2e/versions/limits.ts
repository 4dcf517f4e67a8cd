/** The limits that are known: what a play may show there instead of `ok`. Anything else fails. The table has them, seen this time or not. */
import { isAtLeast, type Version } from "../../packages/adapters/src/twin/versions.ts"
import type { Way } from "./MediaUnderTest.ts"
import type { Play } from "./Play.ts"

interface Limit {
  /** The first release without it. */
  readonly before: string
  /** All, unless named. */
  readonly ways?: ReadonlyArray<Way>
  readonly play: Play
  /** What the play shows, when it meets the limit. */
  readonly outcome: string
  /** For a note below the table. */
  readonly text: string
}

export const limits: ReadonlyArray<Limit> = [
  {
    // No `started` in `/v3/info`: between two looks, a restart looks like encoders that left.
    before: "1.15.2",
    play: "restart",
    outcome: "ends as `disconnected`",
    text: "A restart within a second ends the streams of before as `disconnected`, and not as `media_server_restarted`."
  }
]

export const limitOf = (version: Version, way: Way, play: Play): Limit | undefined =>
  limits.find(
    (limit) => limit.play === play && (limit.ways?.includes(way) ?? true) && !isAtLeast(version, limit.before)
  )

/** What was seen, if it is a known limit; else `ok`. */
export const expected = (version: Version, way: Way, play: Play, seen: string): string =>
  limitOf(version, way, play)?.outcome === seen ? seen : "ok"
