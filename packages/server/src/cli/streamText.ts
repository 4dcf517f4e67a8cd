/** Streams as people read them: a table of many, the details of one, the history of one. Pure. */
import type { WhyUnplayable } from "@greenroom/core"
import type { DateTime } from "effect"
import type { Stream, StreamDetails, StreamEvent } from "../http/api/streamSchemas.ts"
import { absolute, bytes, duration, fields, moment, NOTHING, orNothing, relative, table } from "./format.ts"

type One = typeof Stream.Type
type Whole = typeof StreamDetails.Type

/** Its state in one or two words: `active`, `ending (revoked)`, `inactive (disconnected)`. */
export const standing = (stream: Pick<One, "status" | "ending" | "endReason">): string =>
  stream.endReason !== null
    ? `${stream.status} (${stream.endReason})`
    : stream.ending !== null
      ? `ending (${stream.ending.reason})`
      : stream.status

export const streamTable = (streams: ReadonlyArray<One>, now: DateTime.Utc): string => {
  const past = streams.some(({ endedAt }) => endedAt !== null)
  return table([
    [
      "PATH",
      "STATUS",
      "PROTOCOL",
      "VIEWERS",
      past ? "LASTED" : "ON AIR",
      ...(past ? ["ENDED"] : []),
      "BROADCASTER",
      "TITLE",
      "ID"
    ],
    ...streams.map((stream) => [
      stream.path,
      standing(stream),
      orNothing(stream.protocol),
      String(stream.viewerCount),
      duration(stream.durationSeconds),
      ...(past ? [relative(stream.endedAt, now)] : []),
      stream.broadcaster.displayName,
      orNothing(stream.title),
      stream.id
    ])
  ])
}

const whyNot: { readonly [W in WhyUnplayable]: string } = {
  not_active: "not on the air",
  no_address: "no public address is configured",
  protocol_off: "off on the media server",
  path: "cannot name this path",
  codec: "its players do not show these codecs"
}

const urls = ({ status, urls, unplayable }: Whole): string => {
  if (status !== "active") return NOTHING
  const outputs = Object.keys(urls) as ReadonlyArray<keyof Whole["urls"]>
  const width = Math.max(...outputs.map((name) => name.length)) + 2
  return outputs
    .map((name) => `${name.padEnd(width)}${urls[name] ?? `- ${whyNot[unplayable[name] ?? "not_active"]}`}`)
    .join("\n")
}

export const streamDetails = (stream: Whole, now: DateTime.Utc): string =>
  fields([
    ["id", stream.id],
    ["path", stream.path],
    ["status", standing(stream)],
    ["title", orNothing(stream.title)],
    ["description", orNothing(stream.description)],
    ["broadcaster", `${stream.broadcaster.displayName} (${stream.broadcaster.id})`],
    ["contact", orNothing(stream.broadcaster.contact)],
    ["stream key", stream.streamKeyId],
    ["source", `${orNothing(stream.protocol)}, ${stream.sourceType ?? "type not known yet"}, ${stream.sourceId}`],
    ["started", moment(stream.startedAt, now)],
    ["ready", moment(stream.readyAt, now)],
    ["ended", moment(stream.endedAt, now)],
    ["lasted", duration(stream.durationSeconds)],
    ["viewers", String(stream.viewerCount)],
    ["playback", stream.playback],
    ["tracks", orNothing(stream.tracks.map(({ codec }) => codec).join(", "))],
    ["received", bytes(stream.inboundBytes)],
    ["recording", orNothing(stream.recordingRef)],
    ["metadata", JSON.stringify(stream.metadata)],
    ["plays at", urls(stream)],
    ["confirmed", moment(stream.stateAsOf, now)]
  ])

const words = (data: Readonly<Record<string, unknown>>): string =>
  Object.entries(data)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ")

export const eventTable = (events: ReadonlyArray<typeof StreamEvent.Type>): string =>
  table([
    ["SEQ", "AT", "TYPE", "DATA"],
    ...events.map(({ seq, at, type, data }) => [String(seq), absolute(at), type as string, orNothing(words(data))])
  ])
