/**
 * The rotation of a stream key: a new key takes the place of an old one, for the same broadcaster, label, limit and expiry. The old one keeps
 * publishing until the overlap ends, and then it is revoked. At most two keys of a rotation are valid at a time.
 */
import type { DateTime } from "effect"
import type { StreamKeyId } from "../values/Ids.ts"
import { type KeyValidity, type StreamKey, whyInvalid } from "./StreamKey.ts"

/** A week. */
export const OVERLAP_MAX_SECONDS = 604_800

export type WhyNotRotatable =
  | { readonly _tag: "Revoked" }
  | { readonly _tag: "Expired" }
  /** It was rotated, and its overlap runs. */
  | { readonly _tag: "RotatedAlready"; readonly to: StreamKeyId }
  /** The overlap of the key that it takes the place of runs. */
  | { readonly _tag: "OverlapRuns"; readonly of: StreamKeyId }

/** Whether the key can publish, now or when it is enabled again. */
const isOver = (key: KeyValidity, now: DateTime.Utc): "revoked" | "expired" | null => {
  const why = whyInvalid(key, now)
  return why === "disabled" ? null : why
}

/** Why the key cannot be rotated at `now`, or `null`. `former`: the key that it takes the place of, if that is still stored. */
export const whyNotRotatable = (
  key: Pick<StreamKey, "id" | "rotatedTo"> & KeyValidity,
  former: (Pick<StreamKey, "id"> & KeyValidity) | null,
  now: DateTime.Utc
): WhyNotRotatable | null => {
  const over = isOver(key, now)
  if (over !== null) return { _tag: over === "revoked" ? "Revoked" : "Expired" }
  if (key.rotatedTo !== null) return { _tag: "RotatedAlready", to: key.rotatedTo }
  return former !== null && isOver(former, now) === null ? { _tag: "OverlapRuns", of: former.id } : null
}

/**
 * The id of the new key: its first 8 characters are those of the old one, so that both have one ingest path (`ingestPath`), whatever they are
 * limited to. The other 90 random bits keep it unique.
 */
export const successorId = (old: StreamKeyId, random: string): StreamKeyId =>
  `${old.slice(0, 8)}${random.slice(8)}` as StreamKeyId
