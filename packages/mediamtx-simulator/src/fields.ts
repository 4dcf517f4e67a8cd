/**
 * Which fields the control API's answers have, by version: answers are made with every field that any version has, and `fieldsAt` leaves
 * out what the version does not know. A field that is not named here is in all of them. From the `json` tags of MediaMTX's source, tag by
 * tag: internal/defs/api*.go for items, internal/conf/{conf,path}.go for configurations.
 */
import { isAtLeast, type Version } from "./versions.ts"

type Json = Readonly<Record<string, unknown>>

/** The first version that has the fields and, for those that are gone again, the first that has them no more. */
type Span = readonly [fields: string, since: Version, until?: Version]

const rtpInbound = "inboundRTPPackets inboundRTPPacketsLost inboundRTPPacketsJitter inboundRTCPPackets"

export const fieldSpans = {
  rtmp: [
    ["user inboundBytes outboundBytes outboundFramesDiscarded", "1.17.0"],
    ["userAgent", "1.19.0"]
  ],
  rtsp: [
    ["rtpPacketsReceived rtpPacketsSent rtpPacketsLost rtpPacketsInError rtpPacketsJitter", "1.11.0"],
    ["rtcpPacketsReceived rtcpPacketsSent rtcpPacketsInError", "1.11.0"],
    ["profile", "1.15.0"],
    ["conns", "1.16.2"],
    [`user inboundBytes ${rtpInbound} inboundRTPPacketsInError inboundRTCPPacketsInError outboundBytes`, "1.17.0"],
    ["outboundRTPPackets outboundRTPPacketsReportedLost outboundRTPPacketsDiscarded outboundRTCPPackets", "1.17.0"],
    ["userAgent", "1.19.0"]
  ],
  rtspConnection: [
    ["session", "1.11.0"],
    ["tunnel", "1.15.0"],
    ["inboundBytes outboundBytes", "1.17.0"]
  ],
  srt: [["user outboundFramesDiscarded", "1.17.0"]],
  webrtc: [
    ["rtpPacketsReceived rtpPacketsSent rtpPacketsLost rtpPacketsJitter rtcpPacketsReceived rtcpPacketsSent", "1.14.0"],
    [`user inboundBytes ${rtpInbound} outboundBytes outboundRTPPackets outboundRTCPPackets`, "1.17.0"],
    ["outboundFramesDiscarded", "1.17.0"],
    ["userAgent", "1.19.0"]
  ],
  hls: [
    ["isCDN", "1.18.1"],
    ["userAgent", "1.19.0"]
  ],
  moq: [
    ["version", "1.19.3"],
    ["transport", "1.20.0"]
  ],
  path: [
    ["available availableTime online onlineTime", "1.16.0"],
    ["tracks2 inboundBytes outboundBytes inboundFramesInError", "1.17.0"]
  ],
  error: [["status", "1.15.5"]],
  globalConfiguration: [
    ["protocols encryption serverKey serverCert", "1.9.0", "1.11.0"],
    ["apiAllowOrigin metricsAllowOrigin pprofAllowOrigin playbackAllowOrigin", "1.9.0", "1.15.4"],
    ["hlsAllowOrigin webrtcAllowOrigin", "1.9.0", "1.15.4"],
    ["rtspTransports rtspEncryption rtspServerKey rtspServerCert", "1.11.0"],
    ["webrtcSTUNGatherTimeout", "1.11.3"],
    ["sysLogPrefix", "1.12.0"],
    ["authJWTExclude", "1.12.1"],
    ["authJWTJWKSFingerprint", "1.12.3"],
    ["authJWTInHTTPQuery", "1.12.3", "1.18.0"],
    ["srtpAddress srtcpAddress multicastSRTPPort multicastSRTCPPort", "1.13.0"],
    ["rtspUDPReadBufferSize", "1.14.0", "1.15.4"],
    ["udpReadBufferSize apiAllowOrigins metricsAllowOrigins pprofAllowOrigins playbackAllowOrigins", "1.15.4"],
    ["hlsAllowOrigins webrtcAllowOrigins", "1.15.4"],
    ["logStructured", "1.15.6"],
    ["authHTTPFingerprint", "1.16.1"],
    ["dumpPackets", "1.16.2"],
    ["authJWTIssuer authJWTAudience", "1.17.0"],
    ["hlsCDNSecret", "1.18.1"],
    ["moq moqServerKey moqServerCert moqAllowOrigins moqTrustedProxies", "1.19.0"],
    ["moqHTTPS2Address moqHTTPS3Address", "1.19.0", "1.19.1"],
    ["rtspTrustedProxies rtmpTrustedProxies moqHTTP2Address moqHTTP3Address", "1.19.1"],
    ["moqQUICAddress", "1.20.0"]
  ],
  pathConfiguration: [
    ["fallback", "1.9.0", "1.16.0"],
    ["rpiCameraProfile rpiCameraLevel", "1.9.0", "1.14.0"],
    ["runOnReady runOnReadyRestart runOnNotReady", "1.9.0", "1.19.3"],
    ["useAbsoluteTimestamp rpiCameraSecondary", "1.12.0"],
    ["rpiCameraJPEGQuality", "1.12.0", "1.14.0"],
    ["recordMaxPartSize", "1.13.1"],
    ["rtspUDPReadBufferSize mpegtsUDPReadBufferSize rtpUDPReadBufferSize", "1.14.0", "1.15.4"],
    ["rtpSDP rpiCameraMJPEGQuality", "1.14.0"],
    ["rpiCameraHardwareH264Profile rpiCameraHardwareH264Level", "1.14.0", "1.19.2"],
    ["rpiCameraSoftwareH264Profile rpiCameraSoftwareH264Level", "1.14.0", "1.19.2"],
    ["alwaysAvailable alwaysAvailableFile alwaysAvailableTracks rtspUDPSourcePortRange", "1.16.0"],
    ["whepBearerToken whepSTUNGatherTimeout whepHandshakeTimeout whepTrackGatherTimeout", "1.16.2"],
    ["rtspDemuxMpegts", "1.17.0"],
    ["rtspScale rpiCameraH264Profile rpiCameraH264Level", "1.19.2"],
    ["runOnAvailable runOnAvailableRestart runOnUnavailable", "1.19.3"],
    ["runOnOnline runOnOnlineRestart runOnOffline", "1.19.3"],
    ["forward", "1.20.0"],
    ["moqTransport", "1.20.1"]
  ]
} as const satisfies Readonly<Record<string, ReadonlyArray<Span>>>

export type Answer = keyof typeof fieldSpans

const absentByVersion = new Map<string, ReadonlySet<string>>()
const absentAt = (answer: Answer, version: Version): ReadonlySet<string> => {
  const name = `${answer} ${version}`
  const known = absentByVersion.get(name)
  if (known !== undefined) return known
  const spans: ReadonlyArray<Span> = fieldSpans[answer]
  const absent = spans.filter(
    ([, since, until]) => !isAtLeast(version, since) || (until !== undefined && isAtLeast(version, until))
  )
  const fields = new Set(absent.flatMap(([names]) => names.split(" ")))
  absentByVersion.set(name, fields)
  return fields
}

export const hasField = (answer: Answer, field: string, version: Version): boolean =>
  !absentAt(answer, version).has(field)

/** The item with the fields that this version knows. */
export const fieldsAt = (answer: Answer, version: Version, item: Json): Json => {
  const absent = absentAt(answer, version)
  if (absent.size === 0) return item
  return Object.fromEntries(Object.entries(item).filter(([field]) => !absent.has(field)))
}
