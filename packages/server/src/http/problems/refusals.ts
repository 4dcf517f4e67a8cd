/** Why `POST /auth` refuses, as problems: one row for each reason of the core. */
import { admissionRules, type RefusalReason } from "@greenroom/core"
import type { ProblemType } from "./problemTypes.ts"

/** `stream-key-in-use`, the name of the problem for `stream_key_in_use`. */
type NameOf<Reason extends string> = Reason extends `${infer Head}_${infer Tail}` ? `${Head}-${NameOf<Tail>}` : Reason

/** What has happened and what to do about it stand in the core's table of rules. */
const refusal = (reason: RefusalReason, title: string, detail?: string): ProblemType => {
  const { meaning, remedy } = admissionRules[reason]
  return {
    status: 401,
    title,
    meaning: `${meaning} This is an answer to the media server's auth call: the client sees only that it was refused.`,
    remedy,
    example: { ...(detail === undefined ? {} : { detail }), instance: "/auth" }
  }
}

export const refusals = {
  "invalid-stream-key": refusal("invalid_stream_key", "No such stream key"),
  "stream-key-in-use": refusal(
    "stream_key_in_use",
    "The stream key is in use",
    "Stream key sk_EXAM… is publishing on live/studio-1 already"
  ),
  "stream-key-revoked": refusal("stream_key_revoked", "The stream key is revoked", "Stream key sk_EXAM… is revoked"),
  "stream-key-expired": refusal("stream_key_expired", "The stream key has expired", "Stream key sk_EXAM… has expired"),
  "stream-key-disabled": refusal(
    "stream_key_disabled",
    "The stream key is disabled",
    "Stream key sk_EXAM… is disabled"
  ),
  "stream-key-blocked": refusal(
    "stream_key_blocked",
    "The stream key is blocked on this path",
    "Stream key sk_EXAM… is blocked on live/studio-1 until 2026-11-21T01:34:14.640Z"
  ),
  "stream-key-contested": refusal(
    "stream_key_contested",
    "Two encoders contest the stream key",
    "Stream key sk_EXAM… stays with the encoder on live/studio-1 for 52 s more: encoders took it from each other 3 times within 10 s"
  ),
  "path-not-allowed": refusal(
    "path_not_allowed",
    "The path is not allowed",
    "Stream key sk_EXAM… may publish on live/studio-1 only, not on live/other"
  ),
  "path-in-use": refusal("path_in_use", "The path is in use", "Another publisher is on live/studio-1 already"),
  "protocol-not-supported": refusal(
    "protocol_not_supported",
    "The protocol is not supported",
    "Greenroom can neither follow nor end publishers over this protocol: publish over RTMP, RTSP, SRT or WebRTC"
  ),
  "refused-by-host": refusal("refused_by_host", "The host application refuses", "No broadcast before 18:00"),
  "playback-token-needed": refusal(
    "playback_token_needed",
    "A playback token is needed",
    "A playback token is needed to watch live/studio-1"
  ),
  "playback-token-invalid": refusal(
    "playback_token_invalid",
    "No such playback token",
    "The signature of the playback token is wrong: the token was changed, or cut"
  ),
  "playback-token-early": refusal(
    "playback_token_early",
    "The playback token is not good yet",
    "Playback token x7Kd02mQpL9vTz41 is good from 2026-11-21T18:00:00.000Z on"
  ),
  "playback-token-expired": refusal(
    "playback_token_expired",
    "The playback token has expired",
    "Playback token x7Kd02mQpL9vTz41 has expired at 2026-11-21T01:30:00.000Z"
  ),
  "playback-token-revoked": refusal(
    "playback_token_revoked",
    "The playback token is revoked",
    "Playback token x7Kd02mQpL9vTz41 is revoked"
  ),
  "viewer-revoked": refusal("viewer_revoked", "The viewer is revoked", "Viewer user-4711 is revoked"),
  "playback-not-allowed": refusal(
    "playback_not_allowed",
    "The playback token is not for this",
    "Playback token x7Kd02mQpL9vTz41 is not for live/other"
  )
} as const satisfies Readonly<Record<NameOf<Exclude<RefusalReason, "unauthorized">>, ProblemType>>

export type RefusalName = keyof typeof refusals

export const refusalNames = Object.keys(refusals) as ReadonlyArray<RefusalName>

export const isRefusalName = (name: string): name is RefusalName => Object.hasOwn(refusals, name)

/** The problem that a refusal is. */
export const nameOf = (reason: RefusalReason): NameOf<RefusalReason> =>
  reason.replaceAll("_", "-") as NameOf<RefusalReason>
