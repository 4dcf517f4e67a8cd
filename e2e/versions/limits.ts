/**
 * The limits that are known: what a play may show there instead of `ok`. Anything else fails. Each stands in `docs/mediamtx.md`, in its
 * table or below it.
 */
import { isAtLeast, type Version } from "../../packages/adapters/test/fixtures/mediaMtxBinaries.ts"
import type { Way } from "./MediaUnderTest.ts"
import type { Play } from "./Play.ts"
import type { Outcome } from "./Results.ts"

interface Limit {
  /** The first release without it. */
  readonly before: string
  readonly ways?: ReadonlyArray<Way>
  readonly play: Play
  readonly outcome: Outcome
}

const limits: ReadonlyArray<Limit> = [
  // No `started` in `/v3/info`: a restart between two looks looks like encoders that left.
  { before: "1.15.2", play: "restart", outcome: "ends as `disconnected`" }
]

/** What was seen, if it is a known limit; else `ok`. */
export const expected = (version: Version, way: Way, play: Play, seen: Outcome): Outcome =>
  limits.find(
    (limit) =>
      limit.play === play &&
      limit.outcome === seen &&
      (limit.ways?.includes(way) ?? true) &&
      !isAtLeast(version, limit.before)
  )?.outcome ?? "ok"
