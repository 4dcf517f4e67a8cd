/** Who may be given stream keys: a person, a team or a system that broadcasts. Deleting one keeps its history. */
import { type DateTime, Schema } from "effect"
import type { PlaybackPolicy } from "../playback/PlaybackPolicy.ts"
import type { BroadcasterId } from "./Ids.ts"
import type { Metadata } from "./Metadata.ts"
import { lineOf } from "./PlainText.ts"

export const DisplayName = lineOf(255).annotate({ examples: ["Studio One"] })
export const Contact = lineOf(255).annotate({ description: "How to reach them", examples: ["ops@studio.example"] })

/** The id that a host application has for a broadcaster. Compared character by character: case and spaces count. */
export const ExternalId = lineOf(255)
  .annotate({ description: "Your own id for them, unique among broadcasters", examples: ["user-4711"] })
  .pipe(Schema.brand("ExternalId"))
export type ExternalId = typeof ExternalId.Type

/** To it belong the outputs of workers on sources of the media server's own, where no broadcaster has a key for the source's path. */
export const MEDIA_SERVER_BROADCASTER = {
  id: "00000000-0000-4000-8000-6d656469616d" as BroadcasterId,
  displayName: "Media server"
} as const

export interface Broadcaster {
  readonly id: BroadcasterId
  /** Unique among the broadcasters that are not deleted. */
  readonly externalId: ExternalId | null
  readonly displayName: string
  readonly contact: string | null
  readonly metadata: Metadata
  /** Who may watch its streams, where a key does not have it; `null`: as the deployment has it. */
  readonly playback: PlaybackPolicy | null
  readonly createdAt: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}
