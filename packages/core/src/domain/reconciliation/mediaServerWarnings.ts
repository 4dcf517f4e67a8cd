/**
 * What in a media server's version and configuration is unsafe or would surprise: each with what follows from it, and what to do. Nothing is
 * refused for it. Facts by version: docs/mediamtx.md.
 */
import type { MediaServerFacts } from "./MediaServerFacts.ts"
import { compareReleases, type Release, readRelease } from "./Release.ts"

export const mediaServerWarningKinds = [
  "version_too_old",
  "version_not_tested",
  "publishers_not_asked",
  "viewers_not_asked",
  "control_api_open",
  "moq_not_listed",
  "takeover_without_override",
  "auth_without_timeout",
  "rtsp_over_udp",
  "read_timeout_short"
] as const
export type MediaServerWarningKind = (typeof mediaServerWarningKinds)[number]

export interface MediaServerWarning {
  readonly kind: MediaServerWarningKind
  /** What follows from it, and what to do. */
  readonly detail: string
}

/** The oldest and the newest release with which Greenroom was tried. */
const OLDEST_SUPPORTED: Release = [1, 9, 0]
const NEWEST_TESTED: Release = [1, 20, 1]

/** From 1.16.1 on MediaMTX gives up an auth call after `readTimeout`. */
const AUTH_TIMES_OUT_FROM: Release = [1, 16, 1]

const READ_TIMEOUT_AT_LEAST_MS = 2_000

const text = (release: Release): string => release.join(".")

/** Whether it asks before it lets a publisher in. */
export const asksAboutPublishers = ({ authMethod, authExcludes }: MediaServerFacts): boolean =>
  (authMethod === null || authMethod === "http") && !authExcludes.includes("publish")

const aboutVersion = ({ version }: MediaServerFacts): ReadonlyArray<MediaServerWarning> => {
  const release = version === null ? null : readRelease(version)
  if (release === null) return []
  if (compareReleases(release, OLDEST_SUPPORTED) < 0) {
    const detail = `MediaMTX ${text(release)} is older than any that Greenroom supports: take ${text(OLDEST_SUPPORTED)} or newer, best ${text(NEWEST_TESTED)}`
    return [{ kind: "version_too_old", detail }]
  }
  if (compareReleases(release, NEWEST_TESTED) <= 0) return []
  const detail = `MediaMTX ${text(release)} is newer than the newest that Greenroom was tried with, ${text(NEWEST_TESTED)}: read its release notes, or take ${text(NEWEST_TESTED)}`
  return [{ kind: "version_not_tested", detail }]
}

/** Up to 1.15.1 it has no version in its control API. */
const hasAuthTimeout = ({ version }: MediaServerFacts): boolean => {
  if (version === null) return false
  const release = readRelease(version)
  return release === null || compareReleases(release, AUTH_TIMES_OUT_FROM) >= 0
}

const aboutAuth = (facts: MediaServerFacts): ReadonlyArray<MediaServerWarning> => {
  const { authMethod, authExcludes } = facts
  const found: Array<MediaServerWarning> = []
  if (authMethod !== null && authMethod !== "http") {
    const detail = `MediaMTX has authMethod: ${authMethod}, so it does not ask Greenroom who may publish, and publishers are not kicked: set authMethod: http`
    found.push({ kind: "publishers_not_asked", detail })
  } else if (authExcludes.includes("publish")) {
    const detail =
      "MediaMTX has publish in authHTTPExclude, so it does not ask Greenroom who may publish, and publishers are not kicked: take it out"
    found.push({ kind: "publishers_not_asked", detail })
  }
  if (authExcludes.includes("read") || authExcludes.includes("playback")) {
    const detail =
      "MediaMTX has read or playback in authHTTPExclude: viewers are let in without a question, also to private streams, from which they are kicked a second later. Take it out"
    found.push({ kind: "viewers_not_asked", detail })
  }
  if (authExcludes.includes("api")) {
    const detail =
      "MediaMTX has api in authHTTPExclude (its default up to 1.20.0): anyone who reaches its control API may kick, configure, and read authHTTPAddress with the hook secret in it. Set authHTTPExclude: []"
    found.push({ kind: "control_api_open", detail })
  }
  if (!hasAuthTimeout(facts)) {
    const detail =
      "This MediaMTX (up to 1.16.0) waits for the answer of /auth without a limit: when Greenroom or the network to it stands still, it admits no publisher until the connection breaks. Take 1.16.1 or newer"
    found.push({ kind: "auth_without_timeout", detail })
  }
  return found
}

const aboutMedia = (facts: MediaServerFacts, takeover: boolean): ReadonlyArray<MediaServerWarning> => {
  const found: Array<MediaServerWarning> = []
  if (facts.moq === "on, but not listed") {
    const detail =
      "MoQ is on, and this MediaMTX does not list its sessions: publishers over it are refused. Set moq: no"
    found.push({ kind: "moq_not_listed", detail })
  }
  if (takeover && facts.overridePublisher === false) {
    const detail =
      "ON_DUPLICATE_PUBLISH is takeover, and MediaMTX has overridePublisher: no, so it turns the newcomer away while the old connection is there: set overridePublisher: yes"
    found.push({ kind: "takeover_without_override", detail })
  }
  if (facts.rtspOverUdp) {
    const detail =
      "RTSP over UDP is on: its ports (8000 and 8001 by default) must be open in the firewall, and a publisher that dies is noticed only after the timeout. Set rtspTransports: [tcp] unless you need it"
    found.push({ kind: "rtsp_over_udp", detail })
  }
  if (facts.readTimeoutMillis !== null && facts.readTimeoutMillis < READ_TIMEOUT_AT_LEAST_MS) {
    const detail = `MediaMTX has a readTimeout of ${facts.readTimeoutMillis} ms: it is also the time that Greenroom has to answer /auth, and short silences end streams. Set 4s or more`
    found.push({ kind: "read_timeout_short", detail })
  }
  return found
}

/** `takeover`: newcomers on a key in use take over. */
export const mediaServerWarnings = (
  facts: MediaServerFacts,
  { takeover }: { readonly takeover: boolean }
): ReadonlyArray<MediaServerWarning> => [...aboutVersion(facts), ...aboutAuth(facts), ...aboutMedia(facts, takeover)]
