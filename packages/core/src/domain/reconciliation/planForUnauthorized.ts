/**
 * What is done about publishers on the media server that have no session here. Those that had one are kicked in any case. The others are
 * kicked, only reported, or held back: left on the air until an operator decides, because it is not certain that they had to be admitted.
 */
import { saysPublishEarly } from "../streams/Protocol.ts"
import type { ListedSource, MediaServerSnapshot } from "./MediaServerSnapshot.ts"

export const holdReasons = [
  /** There are, or were when the first of them were held back, more than the mass-kick limit. */
  "too_many",
  /** The media server lets publishers in without asking. */
  "not_asked",
  /** Its configuration could not be read, so it is not known whether it asks. */
  "not_known",
  /** Publishers that were admitted never appear on this media server: it may not be the one that asks. */
  "another_asks"
] as const
export type HoldReason = (typeof holdReasons)[number]

/** How this deployment reconciles. */
export interface Policy {
  /** What to do with a publisher that was never admitted. Ids that once had a session are kicked in any case. */
  readonly unauthorized: "kick" | "report"
  /**
   * More unauthorized publishers than this in one snapshot mean a restored database, not an attack: none of them is kicked, also not when
   * some have left, until an operator decides or all have left.
   */
  readonly massKickLimit: number
  /** An operator decided that the unauthorized publishers are to go, however many they are. */
  readonly enforce: boolean
}

export type UnauthorizedCommand =
  | { readonly _tag: "KickUnauthorized"; readonly listed: ListedSource; readonly former: boolean }
  | { readonly _tag: "ReportUnauthorized"; readonly listed: ListedSource }
  | { readonly _tag: "HoldUnauthorized"; readonly count: number; readonly why: HoldReason }

/** Whether it can be kicked without breaking a handshake. */
export const mayKick = (listed: ListedSource): boolean => !saysPublishEarly(listed.protocol) || listed.established

interface Known {
  /** Ids that have a session, and ids that had one. */
  readonly known: ReadonlySet<string>
  readonly former: ReadonlySet<string>
  /** How many of the publishers in no list, that neither have nor had a session, count. */
  readonly unlistedCounted: number
  /** Why those without a session may have a right to publish that is not known here. */
  readonly doubt: Exclude<HoldReason, "too_many"> | null
  /** The pass before held publishers back because they were too many. */
  readonly holding: boolean
}

/** `too_many` precedes every doubt, because only it lasts until an operator decides. */
export const planForUnauthorized = (
  { unauthorized, massKickLimit, enforce }: Policy,
  snapshot: MediaServerSnapshot,
  { known, former, unlistedCounted, doubt, holding }: Known
): ReadonlyArray<UnauthorizedCommand> => {
  const unauthorizedSources = snapshot.sources.filter(
    (listed) => listed.state === "publish" && mayKick(listed) && !known.has(listed.id)
  )
  const returned = unauthorizedSources.filter((listed) => former.has(listed.id))
  const unknown = unauthorizedSources.filter((listed) => !former.has(listed.id))
  const kick = (listed: ListedSource): UnauthorizedCommand => ({
    _tag: "KickUnauthorized",
    listed,
    former: former.has(listed.id)
  })
  const count = unknown.length + unlistedCounted
  const tooMany = count > (holding ? 0 : massKickLimit)
  const why: HoldReason | null = enforce ? null : tooMany ? "too_many" : doubt
  const forUnknown = (): ReadonlyArray<UnauthorizedCommand> => {
    if (unauthorized === "report") return unknown.map((listed) => ({ _tag: "ReportUnauthorized", listed }))
    if (why === null) return unknown.map(kick)
    return count === 0 ? [] : [{ _tag: "HoldUnauthorized", count, why }]
  }
  return [...returned.map(kick), ...forUnknown()]
}
