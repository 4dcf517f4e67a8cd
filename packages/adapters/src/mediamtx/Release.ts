/**
 * Which MediaMTX it is, and what follows from that: each difference between its versions that the client minds stands here once.
 * A version is read from `/v3/info`, which those before 1.15.2 do not have. One that cannot be read (a build from source
 * has `v0.0.0`) counts as the newest.
 */
import { compareReleases, type Release as ReleaseNumber, readRelease } from "@greenroom/core"

export interface Release {
  readonly number: ReleaseNumber
  /** It has commits that are not in the release itself: `v1.20.1-4-gabcdef0`. */
  readonly beyond: boolean
}

const newest: Release = { number: [1_000_000, 0, 0], beyond: false }
/** What has no `/v3/info`, or none with a version, is 1.15.1 at most. */
const withoutInfo: Release = { number: [1, 15, 1], beyond: false }

/** `null` where there is no `/v3/info`. */
export const releaseOf = (version: string | null): Release => {
  if (version === null) return withoutInfo
  const number = readRelease(version)
  return number === null ? newest : { number, beyond: version.includes("-") }
}

/** The first release with each. */
const since = {
  rtspSessionIds: [1, 19, 3],
  newNames: [1, 21, 0]
} as const satisfies Record<string, ReleaseNumber>

const isBefore = ({ number }: Release, other: ReleaseNumber): boolean => compareReleases(number, other) < 0

/** The id that an RTSP publisher has in `/auth` is that of its TCP connection; lists, paths and kicks have its session's. */
export const rtspIdIsConnections = (release: Release): boolean => isBefore(release, since.rtspSessionIds)

/** Worth asking: `/v3/rtmp/conns` beside `/v3/rtmpconns`. What is older than this, to the commit, has the old names alone. */
export const mayHaveNewNames = (release: Release): boolean => release.beyond || !isBefore(release, since.newNames)
