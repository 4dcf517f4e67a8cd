/**
 * The JSON of MediaMTX's control API, field by field as it was recorded of 1.20.1, made from a `World`, without the fields that its version
 * does not have. Tests hold every key set here against the recordings, and against real servers of several versions.
 */
import { familyOf, type Protocol, type Track } from "@greenroom/core"
import { fieldsAt } from "./fields.ts"
import type { VersionFacts } from "./versions.ts"
import { inboundBytesOf, isEstablished, type SeenPath, shownPathOf, sourceTypeOf, stateOf } from "./view.ts"
import type { Connection } from "./World.ts"

export type Json = Readonly<Record<string, unknown>>

const time = (millis: number): string => new Date(millis).toISOString()

const zeros = (...names: ReadonlyArray<string>): Json => Object.fromEntries(names.map((name) => [name, 0]))

const addressOf = ({ port }: Connection): string => `127.0.0.1:${port}`

const common = (connection: Connection, facts: VersionFacts): Json => {
  const known = shownPathOf(connection, facts) !== ""
  return {
    id: connection.id,
    created: time(connection.created),
    remoteAddr: addressOf(connection),
    state: stateOf(connection, facts),
    path: shownPathOf(connection, facts),
    query: known ? connection.query : "",
    user: known ? connection.user : ""
  }
}

type Item = (connection: Connection, bytes: number, facts: VersionFacts) => Json

const rtmpItem: Item = (connection, bytes, facts) => ({
  ...common(connection, facts),
  userAgent: "FMLE/3.0 (compatible; Lavf59.27.100)",
  inboundBytes: bytes,
  ...zeros("outboundBytes", "outboundFramesDiscarded"),
  bytesReceived: bytes,
  bytesSent: 0
})

const rtspItem: Item = (connection, bytes, facts) => ({
  ...common(connection, facts),
  userAgent: "Lavf59.27.100",
  transport: isEstablished(connection) ? "TCP" : null,
  profile: isEstablished(connection) ? "AVP" : null,
  conns: [connection.connectionId],
  inboundBytes: bytes,
  ...zeros("inboundRTPPackets", "inboundRTPPacketsLost", "inboundRTPPacketsInError", "inboundRTPPacketsJitter"),
  ...zeros("inboundRTCPPackets", "inboundRTCPPacketsInError", "outboundBytes", "outboundRTPPackets"),
  ...zeros("outboundRTPPacketsReportedLost", "outboundRTPPacketsDiscarded", "outboundRTCPPackets"),
  bytesReceived: bytes,
  ...zeros("bytesSent", "rtpPacketsReceived", "rtpPacketsSent", "rtpPacketsLost", "rtpPacketsInError"),
  ...zeros("rtpPacketsJitter", "rtcpPacketsReceived", "rtcpPacketsSent", "rtcpPacketsInError")
})

const srtItem: Item = (connection, bytes, facts) => ({
  ...common(connection, facts),
  ...zeros("packetsSent", "packetsReceived", "packetsSentUnique", "packetsReceivedUnique", "packetsSendLoss"),
  ...zeros("packetsReceivedLoss", "packetsRetrans", "packetsReceivedRetrans", "packetsSentACK", "packetsReceivedACK"),
  ...zeros("packetsSentNAK", "packetsReceivedNAK", "packetsSentKM", "packetsReceivedKM", "usSndDuration"),
  ...zeros("packetsReceivedBelated", "packetsSendDrop", "packetsReceivedDrop", "packetsReceivedUndecrypt"),
  bytesReceived: bytes,
  ...zeros("bytesSent", "bytesSentUnique", "bytesReceivedUnique", "bytesReceivedLoss", "bytesRetrans"),
  ...zeros("bytesReceivedRetrans", "bytesReceivedBelated", "bytesSendDrop", "bytesReceivedDrop"),
  ...zeros("bytesReceivedUndecrypt", "usPacketsSendPeriod", "packetsFlowWindow", "packetsFlightSize", "msRTT"),
  ...zeros("mbpsSendRate", "mbpsReceiveRate", "mbpsLinkCapacity", "bytesAvailSendBuf", "bytesAvailReceiveBuf"),
  ...zeros("mbpsMaxBW", "byteMSS", "packetsSendBuf", "bytesSendBuf", "msSendBuf", "msSendTsbPdDelay"),
  ...zeros("packetsReceiveBuf", "bytesReceiveBuf", "msReceiveBuf", "msReceiveTsbPdDelay", "packetsReorderTolerance"),
  ...zeros("packetsReceivedAvgBelatedTime", "packetsSendLossRate", "packetsReceivedLossRate"),
  outboundFramesDiscarded: 0
})

const webrtcItem: Item = (connection, bytes, facts) => ({
  ...common(connection, facts),
  peerConnectionEstablished: isEstablished(connection),
  localCandidate: isEstablished(connection) ? "host/udp/127.0.0.1/8189" : "",
  remoteCandidate: isEstablished(connection) ? "prflx/udp/127.0.0.1/50000" : "",
  userAgent: "Mozilla/5.0",
  inboundBytes: bytes,
  ...zeros("inboundRTPPackets", "inboundRTPPacketsLost", "inboundRTPPacketsJitter", "inboundRTCPPackets"),
  ...zeros("outboundBytes", "outboundRTPPackets", "outboundRTCPPackets", "outboundFramesDiscarded"),
  bytesReceived: bytes,
  ...zeros("bytesSent", "rtpPacketsReceived", "rtpPacketsSent", "rtpPacketsLost", "rtpPacketsJitter"),
  ...zeros("rtcpPacketsReceived", "rtcpPacketsSent")
})

const moqItem: Item = (connection, bytes, facts) => {
  const { user: _, ...rest } = common(connection, facts)
  return {
    ...rest,
    userAgent: "Mozilla/5.0",
    transport: "webtransport",
    version: "moqt-19",
    inboundBytes: bytes,
    outboundBytes: 0
  }
}

const items: { readonly [P in Protocol]: Item } = {
  rtmp: rtmpItem,
  rtmps: rtmpItem,
  rtsp: rtspItem,
  rtsps: rtspItem,
  srt: srtItem,
  webrtc: webrtcItem,
  moq: moqItem
}

export const connectionItem = (connection: Connection, now: number, facts: VersionFacts): Json => {
  const item = items[connection.protocol](connection, inboundBytesOf(connection, now), facts)
  return fieldsAt(familyOf(connection.protocol), facts.version, item)
}

/** The TCP connection under an RTSP session. */
export const rtspConnectionItem = (connection: Connection, now: number, facts: VersionFacts): Json => {
  const bytes = inboundBytesOf(connection, now)
  return fieldsAt("rtspConnection", facts.version, {
    id: connection.connectionId,
    created: time(connection.created),
    remoteAddr: addressOf(connection),
    // Set when the request is answered that opened it.
    session: connection.phase._tag === "Asking" ? null : connection.id,
    tunnel: "none",
    inboundBytes: bytes,
    outboundBytes: 0,
    bytesReceived: bytes,
    bytesSent: 0
  })
}

const trackItem = ({ codec, ...properties }: Track): Json => ({
  codec,
  codecProps: Object.keys(properties).length === 0 ? null : properties
})

export const pathItem = (
  { name, publisher, readers }: SeenPath,
  isConfigured: boolean,
  now: number,
  facts: VersionFacts
): Json => {
  const isReady = publisher?.phase._tag === "Publishing"
  const since = publisher?.phase._tag === "Publishing" ? time(publisher.phase.since) : null
  const bytes = publisher === null ? 0 : inboundBytesOf(publisher, now)
  const tracks = isReady ? publisher.tracks : []
  return fieldsAt("path", facts.version, {
    name,
    confName: isConfigured ? name : "all_others",
    ready: isReady,
    readyTime: since,
    available: isReady,
    availableTime: since,
    online: isReady,
    onlineTime: since,
    source: publisher === null ? null : { type: sourceTypeOf(publisher.protocol, facts), id: publisher.id },
    tracks: tracks.map(({ codec }) => codec),
    tracks2: tracks.map(trackItem),
    readers: readers.map((reader) => ({ type: sourceTypeOf(reader.protocol, facts), id: reader.id })),
    inboundBytes: bytes,
    outboundBytes: 0,
    inboundFramesInError: 0,
    bytesReceived: bytes,
    bytesSent: 0
  })
}

/** One page of a list, or the sentence with which MediaMTX refuses the page. */
export const pageOf = (all: ReadonlyArray<Json>, query: URLSearchParams): Json | string => {
  const wanted = { size: query.get("itemsPerPage") ?? "100", page: query.get("page") ?? "0" }
  const wrong = Object.values(wanted).find((text) => text !== "" && !/^\d{1,10}$/.test(text))
  if (wrong !== undefined) return `strconv.ParseUint: parsing "${wrong}": invalid syntax`
  const size = Number(wanted.size || 100)
  if (size === 0) return "invalid items per page"
  const from = Number(wanted.page || 0) * size
  return { itemCount: all.length, pageCount: Math.ceil(all.length / size), items: all.slice(from, from + size) }
}

/** What MediaMTX says of a text that is no UUID; `undefined` for one. */
export const uuidComplaint = (text: string): string | undefined => {
  if (text.length !== 36) return `invalid UUID length: ${text.length}`
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? undefined : "invalid UUID format"
}
