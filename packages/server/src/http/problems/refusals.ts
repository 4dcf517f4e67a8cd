/** Why `POST /auth` refuses, as problems: one row for each reason of the core. */
import type { RefusalReason } from "@greenroom/core"
import type { ProblemType } from "./problemTypes.ts"

/** `stream-key-in-use`, the name of the problem for `stream_key_in_use`. */
type NameOf<Reason extends string> = Reason extends `${infer Head}_${infer Tail}` ? `${Head}-${NameOf<Tail>}` : Reason

const refusal = (title: string, meaning: string, remedy: string, detail?: string): ProblemType => ({
  status: 401,
  title,
  meaning: `${meaning} This is an answer to the media server's auth call: the encoder sees only that it was refused.`,
  remedy,
  example: { ...(detail === undefined ? {} : { detail }), instance: "/auth" }
})

export const refusals = {
  "invalid-stream-key": refusal(
    "No such stream key",
    "The credential that the encoder sent is no stream key of this service.",
    "Check that the whole key was copied (it begins with `sk_` and has 46 characters) and that the encoder sends it as the password. Keys are shown once: issue a new one if it is lost."
  ),
  "stream-key-in-use": refusal(
    "The stream key is in use",
    "A stream key admits one publisher at a time, and another connection is publishing with it; the media server was asked whether that one is still there.",
    "Stop the other encoder, or take its stream off the air with DELETE /streams/{id}. Give each encoder a key of its own.",
    "Stream key sk_EXAM… is publishing on live/studio-1 already"
  ),
  "stream-key-revoked": refusal(
    "The stream key is revoked",
    "The key was revoked, by itself or with its broadcaster. That is for good.",
    "Issue a new stream key.",
    "Stream key sk_EXAM… is revoked"
  ),
  "stream-key-expired": refusal(
    "The stream key has expired",
    "The key's expiry has passed.",
    "Move it with PATCH /stream-keys/{id} (`expires_at`), or issue a new key.",
    "Stream key sk_EXAM… has expired"
  ),
  "stream-key-disabled": refusal(
    "The stream key is disabled",
    "The key has been suspended.",
    "Let it publish again with PATCH /stream-keys/{id} and `enabled: true`.",
    "Stream key sk_EXAM… is disabled"
  ),
  "stream-key-blocked": refusal(
    "The stream key is blocked on this path",
    "The stream was stopped with `block_seconds`, so that its encoder does not come straight back.",
    "Wait until the time in the detail, or lift the block with PATCH /stream-keys/{id} and `blocked_until: null`.",
    "Stream key sk_EXAM… is blocked on live/studio-1 until 2026-11-21T01:34:14.640Z"
  ),
  "stream-key-contested": refusal(
    "Two encoders contest the stream key",
    "With `ON_DUPLICATE_PUBLISH=takeover` a newcomer takes the key from the encoder that has it. Two encoders took it from each other three times within 10 seconds, so for a minute the one on the air stays.",
    "Stop one of the two encoders, or issue a key for each: POST /stream-keys.",
    "Stream key sk_EXAM… stays with the encoder on live/studio-1 for 52 s more: encoders took it from each other 3 times within 10 s"
  ),
  "path-not-allowed": refusal(
    "The path is not allowed",
    "The path is malformed, holds a stream key, is outside the limits of this key, or belongs to another broadcaster's key.",
    "Publish on the path that the key's `ingest` instructions name, and send the key as the password, never in the path: paths are public.",
    "Stream key sk_EXAM… may publish on live/studio-1 only, not on live/other"
  ),
  "path-in-use": refusal(
    "The path is in use",
    "Another publisher is on this path already, with another key.",
    "Choose another path, or take the other stream off the air with DELETE /streams/{id}.",
    "Another publisher is on live/studio-1 already"
  ),
  "protocol-not-supported": refusal(
    "The protocol is not supported",
    "The media server lets publishers in over a protocol whose connections it does not list, or that this version of Greenroom does not know. Such a publisher could not be taken off the air, so it is not admitted.",
    "Publish over RTMP, RTSP, SRT or WebRTC.",
    "Greenroom can neither follow nor end publishers over this protocol: publish over RTMP, RTSP, SRT or WebRTC"
  ),
  "refused-by-host": refusal(
    "The host application refuses",
    "The key is good. The application that embeds this service has a rule of its own (`mayPublish`), and it refused this publisher, failed, or did not answer within 300 ms.",
    "The detail is the application's own sentence: ask its operator.",
    "No broadcast before 18:00"
  )
} as const satisfies Readonly<Record<NameOf<Exclude<RefusalReason, "unauthorized">>, ProblemType>>

export type RefusalName = keyof typeof refusals

export const refusalNames = Object.keys(refusals) as ReadonlyArray<RefusalName>

/** The problem that a refusal is. */
export const nameOf = (reason: RefusalReason): NameOf<RefusalReason> =>
  reason.replaceAll("_", "-") as NameOf<RefusalReason>
