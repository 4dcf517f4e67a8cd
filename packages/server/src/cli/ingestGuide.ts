/**
 * What to type into an encoder for a stream key: for any encoder the usual fields and commands, for one encoder everything that it takes.
 * Ready to paste. Only the text for a new key contains the key.
 */

import * as Flag from "effect/cli/Flag"
import { ffmpegWays } from "./encoderCommands.ts"
import { isLoopback, obsRtmp, obsWhip, srtFields } from "./encoderForms.ts"
import { type Encoder, encoderNames, encoderOf, waysOf } from "./encoders.ts"
import type { Ingest, Issued } from "./encoderWays.ts"
import { printable } from "./format.ts"
import { program } from "./program.ts"
import { qrSection, type Screen } from "./qrCode.ts"

const nowhere =
  "The service does not know where encoders reach the media server (MEDIAMTX_PUBLIC_URL, PUBLIC_RTMP_URL and the like are not set), so it cannot show what to type in."

const theKey = ({ id, keyValue }: Issued): string =>
  `Stream key ${id}\n\n  ${printable(keyValue)}\n\nThis is the only time that it is shown: copy it now.`

const seeItLive = `See it go live: ${program} streams watch`

/** The usual fields and commands, for any encoder. */
export const waysText = (ingest: Ingest): string => {
  const ways = waysOf({ ways: [obsRtmp, obsWhip, srtFields, ...ffmpegWays] }, ingest)
  return [
    ...(ways.length === 0 ? [nowhere] : ways),
    ...(ways.some((way) => way.startsWith("ffmpeg"))
      ? ["The ffmpeg commands send a test picture; for a file put -re -i FILE in the place of both -f lavfi -i …"]
      : [])
  ].join("\n\n")
}

/** An encoder without a way that is open to this key: which protocols it needs, and which encoders could publish. */
const closed = ({ title, ways }: Encoder, ingest: Ingest): string => {
  const protocols = [...new Set(ways.map(({ protocol }) => protocol))].join(" or ")
  const others = encoderNames.filter((name) => waysOf(encoderOf(name), ingest).length > 0)
  return others.length === 0
    ? nowhere
    : `${title} publishes over ${protocols}, which is off here or has no public address. Encoders that can use this key: ${others.join(", ")}.`
}

/** The ways of one encoder with its traps, as `docs/encoders.md` shows them. */
export const encoderText = (encoder: Encoder, ingest: Ingest): string => {
  const ways = waysOf(encoder, ingest)
  if (ways.length === 0) return closed(encoder, ingest)
  return [...ways, encoder.notes.map((note) => `- ${note}`).join("\n")].join("\n\n")
}

const ownAddress =
  "The address above is this machine's own, which another device cannot reach: PUBLIC_RTMP_URL or MEDIAMTX_PUBLIC_URL of the service sets another."

/** What is for a phone alone: its QR code, and a warning when the address would lead it to itself. */
const forPhones = ({ scan }: Encoder, issued: Issued, screen: Screen): ReadonlyArray<string> => {
  const link = scan?.link(issued) ?? null
  if (scan === undefined || link === null || issued.ingest.rtmp === null) return []
  return [...(isLoopback(issued.ingest.rtmp) ? [ownAddress] : []), qrSection(link, scan.how, screen)]
}

export const ingestGuide = (issued: Issued): string => [theKey(issued), waysText(issued.ingest), seeItLive].join("\n\n")

/** A flag for one of the encoders. */
export const encoderFlag = (description: string) =>
  Flag.Literals("encoder", encoderNames).pipe(
    Flag.withMetavar("<name>"),
    Flag.withDescription(description),
    Flag.optional
  )

export const encoderGuide = (encoder: Encoder, issued: Issued, screen: Screen): string =>
  [theKey(issued), encoderText(encoder, issued.ingest), ...forPhones(encoder, issued, screen), seeItLive].join("\n\n")
