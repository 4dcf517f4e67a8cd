/**
 * How MediaMTX's behaviour differs from release to release, as far as a client or an auth server can see it. Each rule stands here once,
 * with the file of its repository that shows the change; which fields an answer has is in `fields.ts`. Releases 1.9.0 to 1.20.1 were read
 * in its source; 1.21 is known from programs that use it.
 */
import type { ViewerProtocol } from "@greenroom/core"

/** `1.20.1`; a leading `v` and what follows a `-` do not matter. */
export type Version = string

export const defaultVersion: Version = "1.20.1"

const numbersOf = (version: Version): ReadonlyArray<number> => {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)
  if (match === null) throw new Error(`not a MediaMTX version: ${version}`)
  return match.slice(1).map(Number)
}

export const isAtLeast = (version: Version, bound: Version): boolean => {
  const bounds = numbersOf(bound)
  const difference = numbersOf(version)
    .map((number, index) => number - bounds[index]!)
    .find((step) => step !== 0)
  return difference === undefined || difference > 0
}

export interface VersionFacts {
  readonly version: Version
  /** `GET /v3/info`. From 1.15.2 (internal/api/api.go). */
  readonly info: boolean
  /** Whose id an RTSP client has in its auth call. The session's from 1.19.3 (internal/servers/rtsp/session.go, onAnnounce). */
  readonly rtspAuthId: "connection" | "session"
  /** MoQ, its lists and its settings. From 1.19.0 (internal/servers/moq). */
  readonly moq: boolean
  /**
   * What the auth body's `token` holds. Up to 1.12.2 the body has none, and a bearer comes as `jwt=` in `query`
   * (internal/auth/request.go). From 1.18.0 it repeats the password, or RTMP's and RTSP's `?token=` (internal/auth/manager.go, getToken).
   */
  readonly authToken: "absent" | "bearer" | "bearer, password or query"
  /** HLS viewers have sessions, with an id, a list and a kick. From 1.18.0 (internal/servers/hls/session.go). */
  readonly hlsSessions: boolean
  /** The auth body's `userAgent`. From 1.19.0 (internal/auth/manager.go). */
  readonly authUserAgent: boolean
  /** Whether an auth call ends by itself, after `readTimeout`. From 1.16.1 (internal/auth/manager.go). */
  readonly authTimeout: boolean
  /** The 200 of a kick or a change of the configuration has no body before 1.15.5 (internal/api/api.go, writeOK). */
  readonly okBody: boolean
  /** The 401 of the control API has a body. From 1.15.5 (internal/api/api.go). */
  readonly unauthorizedBody: boolean
  /** `webRTCSession` from 1.11.0, before that `webrtcSession` (internal/servers/webrtc/session.go). */
  readonly webrtcSourceType: "webRTCSession" | "webrtcSession"
  /**
   * When a publisher becomes the source of its path: up to 1.13.0 as soon as it is admitted, with `ready: false`; since then when it is
   * ready (internal/core/path.go, StartPublisher). Up to 1.13.0 its state is `publish` from its admission on, too.
   */
  readonly pathTakenWhen: "admitted" | "ready"
  /**
   * A path that is there is closed when a configuration of its own is added or deleted: from 1.12.3 (internal/core/path_manager.go,
   * doReloadConf). Before that, `resetPath` does nothing to it.
   */
  readonly pathFollowsConfiguration: boolean
  /**
   * How long an RTMP publisher takes from the answer of its auth until its path is ready, in milliseconds. Since 1.11.0 its tracks are
   * looked for during 2 s; from 1.13.1 to 1.20.0 that is before its auth is asked (internal/servers/rtmp/conn.go, runPublish).
   */
  readonly rtmpReadyAfter: number
  /** The settings whose commands run when a path becomes ready, and when it stops being so. 1.19.3 renamed them (internal/conf/path.go). */
  readonly hookSettings: { readonly ready: string; readonly notReady: string }
  /** What the name of a path may hold, in its words and as a pattern (internal/conf/path.go, rePathName). */
  readonly pathNames: PathNames
  /** Its error for a missing body. Measured: another sentence from 1.16.0. */
  readonly emptyBodyError: string
  /** Which names the control API's routes have. From 1.21 the new ones beside the old. */
  readonly names: Names
}

export interface PathNames {
  readonly pattern: RegExp
  readonly described: string
}

const pathNamesOf = (version: Version): PathNames => {
  const common = "alphanumeric characters, underscore, dot"
  if (isAtLeast(version, "1.17.1")) return { pattern: /^[0-9A-Za-z_\-/.]+$/, described: `${common}, minus, slash` }
  return isAtLeast(version, "1.12.3")
    ? { pattern: /^[0-9A-Za-z_\-/.~:]+$/, described: `${common}, tilde, minus, slash, colon` }
    : { pattern: /^[0-9A-Za-z_\-/.~]+$/, described: `${common}, tilde, minus or slash` }
}

/** `new`: a release that has dropped the old names. There is none yet. */
export type Names = "old" | "both" | "new"

export const factsOf = (version: Version, names?: Names): VersionFacts => {
  const since = (bound: Version) => isAtLeast(version, bound)
  return {
    version,
    info: since("1.15.2"),
    rtspAuthId: since("1.19.3") ? "session" : "connection",
    moq: since("1.19.0"),
    authToken: since("1.18.0") ? "bearer, password or query" : since("1.12.3") ? "bearer" : "absent",
    hlsSessions: since("1.18.0"),
    authUserAgent: since("1.19.0"),
    authTimeout: since("1.16.1"),
    okBody: since("1.15.5"),
    unauthorizedBody: since("1.15.5"),
    webrtcSourceType: since("1.11.0") ? "webRTCSession" : "webrtcSession",
    pathTakenWhen: since("1.13.1") ? "ready" : "admitted",
    pathFollowsConfiguration: since("1.12.3"),
    rtmpReadyAfter: since("1.20.1") ? 2_000 : since("1.13.1") ? 1 : since("1.11.0") ? 2_000 : 300,
    hookSettings: since("1.19.3")
      ? { ready: "runOnAvailable", notReady: "runOnUnavailable" }
      : { ready: "runOnReady", notReady: "runOnNotReady" },
    pathNames: pathNamesOf(version),
    emptyBodyError: since("1.16.0") ? "unexpected end of JSON input" : "EOF",
    names: names ?? (since("1.21.0") ? "both" : "old")
  }
}

const oldLists: { readonly [P in ViewerProtocol]: string } = {
  rtmp: "rtmpconns",
  rtmps: "rtmpsconns",
  rtsp: "rtspsessions",
  rtsps: "rtspssessions",
  srt: "srtconns",
  webrtc: "webrtcsessions",
  moq: "moqsessions",
  hls: "hlssessions"
}

const newLists: { readonly [P in ViewerProtocol]: string } = {
  rtmp: "rtmp/conns",
  rtmps: "rtmps/conns",
  rtsp: "rtsp/sessions",
  rtsps: "rtsps/sessions",
  srt: "srt/conns",
  webrtc: "webrtc/sessions",
  moq: "moq/sessions",
  hls: "hls/sessions"
}

const either = (names: Names, old: string, fresh: string): ReadonlyArray<string> =>
  names === "old" ? [old] : names === "new" ? [fresh] : [old, fresh]

/** Below `/v3/`: the list of a protocol's sessions. */
export const listNames = ({ names, hlsSessions }: VersionFacts, protocol: ViewerProtocol): ReadonlyArray<string> =>
  protocol === "hls" && !hlsSessions ? [] : either(names, oldLists[protocol], newLists[protocol])

/** Below `/v3/`: the list of RTSP's TCP connections, each with its session. */
export const connectionListNames = ({ names }: VersionFacts, protocol: "rtsp" | "rtsps"): ReadonlyArray<string> =>
  either(names, `${protocol}conns`, `${protocol}/conns`)

/** Below `/v3/config/`. */
export const pathDefaultsNames = ({ names }: VersionFacts): ReadonlyArray<string> =>
  either(names, "pathdefaults", "path-defaults")
