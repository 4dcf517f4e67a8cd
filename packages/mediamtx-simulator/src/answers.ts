/**
 * The JSON of MediaMTX's control API, field by field as it was recorded of 1.20.1, made from a `World`, without the fields that its version
 * does not have. The fields that show which client publishes where come first; what is only counted beside it can be left out. Tests hold every key set here against the recordings, and against real servers of several versions.
 */
import type { Track, ViewerProtocol } from "@greenroom/core"
import { userAgentOf } from "./AuthQuestion.ts"
import { familyOf } from "./families.ts"
import { fieldsAt, hasField } from "./fields.ts"
import type { VersionFacts } from "./versions.ts"
import {
  inboundBytesOf,
  isEstablished,
  outboundBytesOf,
  readerItems,
  type SeenPath,
  shownPathOf,
  sourceTypeOf,
  stateOf
} from "./view.ts"
import type { Connection } from "./World.ts"

export type Json = Readonly<Record<string, unknown>>

/** A simulation asks for the times of the same connections every second. */
const times = new Map<number, string>()
const MAX_TIMES = 1_000
const time = (millis: number): string => {
  const known = times.get(millis)
  if (known !== undefined) return known
  if (times.size >= MAX_TIMES) times.clear()
  const text = new Date(millis).toISOString()
  times.set(millis, text)
  return text
}

const zeros = (...names: ReadonlyArray<string>): Json => Object.fromEntries(names.map((name) => [name, 0]))

const addressOf = ({ ip, port }: Connection): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`)

/** The fields that show which client publishes where. */
const essentialItem = (connection: Connection, facts: VersionFacts): Json => {
  const { id, protocol, created, connectionId } = connection
  const essential = {
    id,
    created: time(created),
    remoteAddr: addressOf(connection),
    ...(protocol === "hls" ? {} : { state: stateOf(connection, facts) }),
    path: shownPathOf(connection, facts)
  }
  if (protocol === "webrtc") return { ...essential, peerConnectionEstablished: isEstablished(connection) }
  const family = familyOf(protocol)
  return family === "rtsp" && hasField(family, "conns", facts.version)
    ? { ...essential, conns: [connectionId] }
    : essential
}

/** What an item has beside what is common to all. */
type Item = (connection: Connection, inbound: number, outbound: number) => Json

const rtmpItem: Item = (connection, bytes, sent) => ({
  userAgent: userAgentOf(connection),
  inboundBytes: bytes,
  outboundBytes: sent,
  ...zeros("outboundFramesDiscarded"),
  bytesReceived: bytes,
  bytesSent: sent
})

const rtspItem: Item = (connection, bytes, sent) => ({
  userAgent: userAgentOf(connection),
  transport: isEstablished(connection) ? "TCP" : null,
  profile: isEstablished(connection) ? "AVP" : null,
  inboundBytes: bytes,
  ...zeros("inboundRTPPackets", "inboundRTPPacketsLost", "inboundRTPPacketsInError", "inboundRTPPacketsJitter"),
  ...zeros("inboundRTCPPackets", "inboundRTCPPacketsInError", "outboundRTPPackets"),
  outboundBytes: sent,
  ...zeros("outboundRTPPacketsReportedLost", "outboundRTPPacketsDiscarded", "outboundRTCPPackets"),
  bytesReceived: bytes,
  bytesSent: sent,
  ...zeros("rtpPacketsReceived", "rtpPacketsSent", "rtpPacketsLost", "rtpPacketsInError"),
  ...zeros("rtpPacketsJitter", "rtcpPacketsReceived", "rtcpPacketsSent", "rtcpPacketsInError")
})

const srtItem: Item = (_, bytes, sent) => ({
  ...zeros("packetsSent", "packetsReceived", "packetsSentUnique", "packetsReceivedUnique", "packetsSendLoss"),
  ...zeros("packetsReceivedLoss", "packetsRetrans", "packetsReceivedRetrans", "packetsSentACK", "packetsReceivedACK"),
  ...zeros("packetsSentNAK", "packetsReceivedNAK", "packetsSentKM", "packetsReceivedKM", "usSndDuration"),
  ...zeros("packetsReceivedBelated", "packetsSendDrop", "packetsReceivedDrop", "packetsReceivedUndecrypt"),
  bytesReceived: bytes,
  bytesSent: sent,
  ...zeros("bytesSentUnique", "bytesReceivedUnique", "bytesReceivedLoss", "bytesRetrans"),
  ...zeros("bytesReceivedRetrans", "bytesReceivedBelated", "bytesSendDrop", "bytesReceivedDrop"),
  ...zeros("bytesReceivedUndecrypt", "usPacketsSendPeriod", "packetsFlowWindow", "packetsFlightSize", "msRTT"),
  ...zeros("mbpsSendRate", "mbpsReceiveRate", "mbpsLinkCapacity", "bytesAvailSendBuf", "bytesAvailReceiveBuf"),
  ...zeros("mbpsMaxBW", "byteMSS", "packetsSendBuf", "bytesSendBuf", "msSendBuf", "msSendTsbPdDelay"),
  ...zeros("packetsReceiveBuf", "bytesReceiveBuf", "msReceiveBuf", "msReceiveTsbPdDelay", "packetsReorderTolerance"),
  ...zeros("packetsReceivedAvgBelatedTime", "packetsSendLossRate", "packetsReceivedLossRate"),
  outboundFramesDiscarded: 0
})

const webrtcItem: Item = (connection, bytes, sent) => ({
  localCandidate: isEstablished(connection) ? "host/udp/127.0.0.1/8189" : "",
  remoteCandidate: isEstablished(connection) ? "prflx/udp/127.0.0.1/50000" : "",
  userAgent: "Mozilla/5.0",
  inboundBytes: bytes,
  outboundBytes: sent,
  ...zeros("inboundRTPPackets", "inboundRTPPacketsLost", "inboundRTPPacketsJitter", "inboundRTCPPackets"),
  ...zeros("outboundRTPPackets", "outboundRTCPPackets", "outboundFramesDiscarded"),
  bytesReceived: bytes,
  bytesSent: sent,
  ...zeros("rtpPacketsReceived", "rtpPacketsSent", "rtpPacketsLost", "rtpPacketsJitter"),
  ...zeros("rtcpPacketsReceived", "rtcpPacketsSent")
})

const moqItem: Item = (_, bytes, sent) => ({
  userAgent: "Mozilla/5.0",
  transport: "webtransport",
  version: "moqt-19",
  inboundBytes: bytes,
  outboundBytes: sent
})

const hlsItem: Item = (connection, _, sent) => ({
  userAgent: userAgentOf(connection),
  isCDN: connection.isCdn,
  outboundBytes: sent
})

const items: { readonly [P in ViewerProtocol]: Item } = {
  rtmp: rtmpItem,
  rtmps: rtmpItem,
  rtsp: rtspItem,
  rtsps: rtspItem,
  srt: srtItem,
  webrtc: webrtcItem,
  moq: moqItem,
  hls: hlsItem
}

/** Everything, or the essential alone. */
export type Items = "whole" | "essential"

/** Where and as whom it has asked: of sessions that have a path. MoQ's have no user. */
const askedAs = ({ protocol, query, user }: Connection, isKnown: boolean): Json => ({
  query: isKnown ? query : "",
  ...(protocol === "moq" ? {} : { user: isKnown ? user : "" })
})

/** Whose session it is, and how much it got. */
const essentialOfViewer = (connection: Connection, now: number): Json => {
  const { protocol, isCdn } = connection
  const sent = outboundBytesOf(connection, now)
  return {
    ...askedAs(connection, true),
    userAgent: userAgentOf(connection),
    ...(protocol === "srt" ? {} : { outboundBytes: sent }),
    ...(protocol === "hls" || protocol === "moq" ? {} : { bytesSent: sent }),
    ...(protocol === "hls" ? { isCDN: isCdn } : {})
  }
}

export const connectionItem = (connection: Connection, now: number, facts: VersionFacts, which: Items): Json => {
  const essential = essentialItem(connection, facts)
  const { protocol, action } = connection
  if (which === "essential") {
    if (action === "publish") return essential
    return { ...essential, ...fieldsAt(familyOf(protocol), facts.version, essentialOfViewer(connection, now)) }
  }
  return fieldsAt(familyOf(protocol), facts.version, {
    ...essential,
    ...askedAs(connection, essential.path !== ""),
    ...items[protocol](connection, inboundBytesOf(connection, now), outboundBytesOf(connection, now))
  })
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

/** A redirect and a pulled source are named; what is always available, or on demand, is not a source. */
const ownSourceTypes = { pulled: "rtspSource", redirect: "redirect" } as const

const sourceOf = ({ publisher, own }: SeenPath, facts: VersionFacts): Json | null => {
  if (publisher !== null) return { type: sourceTypeOf(publisher.protocol, facts), id: publisher.id }
  return own === "pulled" || own === "redirect" ? { type: ownSourceTypes[own], id: "" } : null
}

export const pathItem = (
  seen: SeenPath,
  isConfigured: boolean,
  now: number,
  facts: VersionFacts,
  which: Items
): Json => {
  const { name, publisher, readers, own } = seen
  const isPublished = publisher?.phase._tag === "Publishing"
  const isAvailable = isPublished || (own !== null && own !== "on demand")
  const isOnline = isPublished || own === "pulled" || own === "redirect"
  const since = publisher?.phase._tag === "Publishing" ? time(publisher.phase.since) : null
  const bytes = publisher === null ? 0 : inboundBytesOf(publisher, now)
  const tracks = isPublished ? publisher.tracks : []
  const source = sourceOf(seen, facts)
  const types = readerItems(readers, facts)
  if (which === "essential") {
    const described = hasField("path", "tracks2", facts.version)
      ? { tracks2: tracks.map(trackItem) }
      : { tracks: tracks.map(({ codec }) => codec) }
    return { name, ready: isAvailable, readyTime: since, source, ...described, readers: types, bytesReceived: bytes }
  }
  return fieldsAt("path", facts.version, {
    name,
    confName: isConfigured ? name : "all_others",
    ready: isAvailable,
    readyTime: since,
    available: isAvailable,
    availableTime: since,
    online: isOnline,
    onlineTime: since,
    source,
    tracks: tracks.map(({ codec }) => codec),
    tracks2: tracks.map(trackItem),
    readers: types,
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

/** MediaMTX's answer to a text that is no UUID; `undefined` for one. */
export const uuidComplaint = (text: string): string | undefined => {
  if (text.length !== 36) return `invalid UUID length: ${text.length}`
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? undefined : "invalid UUID format"
}
