/** Who may watch, by the store's rows, said here a second time: the product's own answer to it is what is under test. */
import type { MemoryStore } from "@greenroom/adapters/memory"
import type { BroadcasterId, PlaybackPolicies, PlaybackPolicy, SigningKeyId, StreamId } from "@greenroom/core"
import { CLOCK_AHEAD_MAX_MS } from "@greenroom/core"
import { DateTime } from "effect"
import type { IssuedToken } from "./TokenBook.ts"

type State = MemoryStore.MemoryState

/** By so much clocks may differ. */
const SKEW_SECONDS = 5

export interface PathOwner {
  readonly policy: PlaybackPolicy
  readonly broadcasterId: BroadcasterId | null
  readonly streamId: StreamId | null
}

const secondsOf = (at: DateTime.Utc): number => DateTime.toEpochMillis(at) / 1_000

const streamOn = ({ unended, streams }: State, path: string) =>
  [...unended]
    .map((id) => streams.get(id)!)
    .find((row) => row.path === path && row.state._tag !== "Inactive" && row.state.ending?.reason !== "superseded")

/** The newest key that is limited to this path alone. */
const keyOf = ({ keys }: State, path: string, seconds: number) =>
  [...keys.values()]
    .filter((key) => key.path === path && key.revokedAt === null)
    .filter(({ revokesAt }) => revokesAt === null || secondsOf(revokesAt) > seconds)
    .sort((a, b) => secondsOf(b.createdAt) - secondsOf(a.createdAt) || (a.id < b.id ? 1 : -1))[0]

/** `seconds`: by the store's clock. */
export const ownerOf = (state: State, defaults: PlaybackPolicies, path: string, seconds: number): PathOwner => {
  const stream = streamOn(state, path)
  const key = stream === undefined ? keyOf(state, path, seconds) : state.keys.get(stream.streamKeyId)
  if (key === undefined) return { policy: defaults.unknownPaths, broadcasterId: null, streamId: null }
  const { broadcasterId } = key
  const policy = key.playback ?? state.broadcasters.get(broadcasterId)!.playback ?? defaults.streams
  return { policy, broadcasterId, streamId: stream?.id ?? null }
}

const covers = ({ claims: { coverage } }: IssuedToken, path: string, owner: PathOwner): boolean => {
  switch (coverage._tag) {
    case "Path":
      return coverage.path === path
    case "Stream":
      return coverage.streamId === owner.streamId
    case "Broadcaster":
      return coverage.broadcasterId === owner.broadcasterId
    case "Pattern":
      return coverage.pattern === "**" || path.startsWith(coverage.pattern.slice(0, coverage.pattern.indexOf("*")))
  }
}

/** The clock of who issued a token may be ahead by so much. */
const ISSUER_AHEAD_SECONDS = 60

/** `now`: by the store's clock, by which a revocation is forgotten with its token. A clock that is behind by more than the skew still takes the token for good. */
const isRevoked = (
  { playbackTokens, viewerRevocations }: State,
  { claims }: IssuedToken,
  now: number,
  seconds: number
): boolean => {
  const { id, viewerId, issuedAt, expiresAt } = claims
  if (now < expiresAt + SKEW_SECONDS && (playbackTokens.get(id)?.revokedAt ?? null) !== null) return true
  return [...viewerRevocations.values()].some(
    (one) => one.viewerId === viewerId && (issuedAt <= one.at || (one.until !== null && seconds < one.until))
  )
}

const isKeyGood = ({ signingKeys }: State, { signingKeyId }: IssuedToken, seconds: number): boolean => {
  const key = signingKeys.get(signingKeyId as SigningKeyId)
  if (key === undefined || key.removedAt !== null) return false
  return key.verifiesUntil === null || seconds < secondsOf(key.verifiesUntil)
}

/** `either`: it has expired, but not by more than clocks may differ. */
export type Verdict = "yes" | "no" | "either"

/** Whether a token is good for the path. `seconds`: by the clock of who decides. */
const isGood = (
  state: State,
  owner: PathOwner,
  path: string,
  token: IssuedToken,
  now: number,
  seconds: number
): Verdict => {
  if (token.isChanged || !covers(token, path, owner)) return "no"
  // A revocation of its viewer does not follow a clock that is ahead by so much.
  if (token.claims.issuedAt * 1_000 > token.issuedAt + CLOCK_AHEAD_MAX_MS) return "either"
  if (isRevoked(state, token, now, seconds)) return "no"
  const { expiresAt, issuedAt } = token.claims
  if (issuedAt > seconds + ISSUER_AHEAD_SECONDS) return "no"
  if (!isKeyGood(state, token, seconds) || seconds >= expiresAt + SKEW_SECONDS) return "no"
  return seconds >= expiresAt ? "either" : "yes"
}

export interface Watching {
  readonly path: string
  /** `null`: it has shown none. */
  readonly token: IssuedToken | null
}

/** Whether the token is good for the path, whether or not one is needed. `clocks`: what the time is, in seconds, by each clock that may count; where they differ, `either`. */
export const isGoodFor = (
  state: State,
  defaults: PlaybackPolicies,
  path: string,
  token: IssuedToken,
  now: number,
  clocks: ReadonlyArray<number>
): Verdict => {
  const owner = ownerOf(state, defaults, path, now)
  const verdicts = new Set(clocks.map((seconds) => isGood(state, owner, path, token, now, seconds)))
  const [verdict = "either"] = verdicts
  return verdicts.size === 1 ? verdict : "either"
}

/** Whether who has shown this may watch this. */
export const mayWatch = (
  state: State,
  defaults: PlaybackPolicies,
  { path, token }: Watching,
  now: number,
  clocks: ReadonlyArray<number>
): Verdict => {
  if (ownerOf(state, defaults, path, now).policy === "public") {
    // Who names a token by which it cannot prove itself is refused there, too; who does not name it is not.
    const isProven = token === null || (!token.isChanged && clocks.every((seconds) => isKeyGood(state, token, seconds)))
    return isProven ? "yes" : "either"
  }
  return token === null ? "no" : isGoodFor(state, defaults, path, token, now, clocks)
}
