/**
 * What to type into one program for one protocol: fields with their values, or a command to paste. A way is `null` for a key whose
 * protocol is off or has no public address. Which ways an encoder has, and its traps, is `encoders.ts`.
 */
import type { IssuedStreamKey } from "../http/api/streamKeySchemas.ts"
import { fields } from "./format.ts"

export type Issued = typeof IssuedStreamKey.Type
export type Ingest = Issued["ingest"]

export interface Way {
  readonly protocol: "RTMP" | "RTSP" | "SRT" | "WebRTC"
  readonly show: (ingest: Ingest) => string | null
}

export const when = <A, B>(value: A | null, of: (value: A) => B): B | null => (value === null ? null : of(value))

type Pairs = ReadonlyArray<readonly [field: string, value: string]>

export const form = (protocol: Way["protocol"], title: string, pairs: (ingest: Ingest) => Pairs | null): Way => ({
  protocol,
  show: (ingest) => when(pairs(ingest), (shown) => `${title}\n${fields(shown).replace(/^/gm, "  ")}`)
})

/** A shell command in lines; all but the last end with a backslash. */
export type Lines = ReadonlyArray<string>

export const command = (protocol: Way["protocol"], title: string, lines: (ingest: Ingest) => Lines | null): Way => ({
  protocol,
  show: (ingest) => when(lines(ingest), (shown) => `${title}\n  ${shown.join(" \\\n    ")}`)
})
