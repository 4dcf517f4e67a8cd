/** The limits that are known: what a play shows there instead of `ok`. A play that shows anything else fails. */
import { isAtLeast, type Version } from "../../packages/adapters/test/fixtures/mediaMtxBinaries.ts"
import type { Way } from "./MediaUnderTest.ts"
import type { Play } from "./plays.ts"
import type { Outcome } from "./Results.ts"

interface Limit {
  /** The first release without it. */
  readonly before: string
  readonly ways?: ReadonlyArray<Way>
  readonly play: Play
  readonly outcome: Outcome
}

const limits: ReadonlyArray<Limit> = []

export const expected = (version: Version, way: Way, play: Play): Outcome =>
  limits.find(
    (limit) => limit.play === play && (limit.ways?.includes(way) ?? true) && !isAtLeast(version, limit.before)
  )?.outcome ?? "ok"
