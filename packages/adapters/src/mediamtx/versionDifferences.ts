/**
 * Each difference between MediaMTX's versions that concerns the adapter, stated once. A version is read from `/v3/info`, which
 * versions before 1.15.2 do not have. An unreadable version (a build from source has `v0.0.0`) counts as the newest.
 */
import { compareReleases, type Release, readRelease } from "@greenroom/core/internal"

export interface Build {
  readonly release: Release
  /** It has commits after the release: `v1.20.1-4-gabcdef0`. */
  readonly hasLaterCommits: boolean
}

const newest: Build = { release: [1_000_000, 0, 0], hasLaterCommits: false }
/** A MediaMTX without `/v3/info`, or without a version in it, is 1.15.1 at most. */
const withoutInfo: Build = { release: [1, 15, 1], hasLaterCommits: false }

/** `null` stands for a MediaMTX without `/v3/info`. */
export const buildOf = (version: string | null): Build => {
  if (version === null) return withoutInfo
  const release = readRelease(version)
  return release === null ? newest : { release, hasLaterCommits: version.includes("-") }
}

/** The first release with each change. */
const since = {
  rtspSessionIds: [1, 19, 3],
  newNames: [1, 21, 0]
} as const satisfies Record<string, Release>

const isBefore = ({ release }: Build, other: Release): boolean => compareReleases(release, other) < 0

/** In `/auth`, an RTSP publisher has the id of its TCP connection. Lists, paths and kicks have the id of its session. */
export const authHasRtspConnectionId = (build: Build): boolean => isBefore(build, since.rtspSessionIds)

/** Whether it may have the new route names, such as `/v3/rtmp/conns` for `/v3/rtmpconns`. An older release has only the old ones. */
export const mayHaveNewNames = (build: Build): boolean => build.hasLaterCommits || !isBefore(build, since.newNames)
