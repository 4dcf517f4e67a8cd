/**
 * A list of streams as text. A row is kept without the one member that changes with the clock, its duration, which is written into the
 * answer. So a row is encoded once for each change of its stream.
 */
import { hash } from "node:crypto"
import type { PlayableStream, StreamId } from "@greenroom/core"
import { inTurns } from "@greenroom/core/internal"
import { DateTime, Effect } from "effect"
import { wholeSeconds } from "../routes/streamShown.ts"
import { streamOnWire } from "./streamOnWire.ts"

export interface WrittenRow {
  /** A JSON object up to the value of its last member, the duration. */
  readonly text: string
  readonly startedAt: number
  /** `null` while it goes on. */
  readonly endedAt: number | null
}

export interface WrittenList {
  /** In the list's order. */
  readonly rows: ReadonlyMap<StreamId, WrittenRow>
  /** What follows the rows. */
  readonly end: string
  readonly tag: string
}

export const writeRow = (view: PlayableStream): WrittenRow => {
  const { state } = view.stream
  return {
    text: `${JSON.stringify(streamOnWire(view)).slice(0, -1)},"duration_seconds":`,
    startedAt: DateTime.toEpochMillis(state.startedAt),
    endedAt: state._tag === "Inactive" ? DateTime.toEpochMillis(state.endedAt) : null
  }
}

const secondsOf = ({ startedAt, endedAt }: WrittenRow, now: number): number => wholeSeconds(startedAt, endedAt ?? now)

/** Rows that are encoded, or put into an answer, in one turn: about a millisecond. */
export const ROWS_A_TURN = 250

/** The tag is weak, because the duration is no part of it. */
const tagOf = (rows: ReadonlyArray<WrittenRow>, end: string) =>
  Effect.map(
    inTurns(rows, (part) => hash("sha256", part.map(({ text }) => text).join(), "base64url"), ROWS_A_TURN),
    (parts) => `W/"${hash("sha256", [...parts, end].join(), "base64url").slice(0, 22)}"`
  )

export const writtenList = (rows: ReadonlyMap<StreamId, WrittenRow>, end: string): Effect.Effect<WrittenList> =>
  Effect.map(tagOf([...rows.values()], end), (tag) => ({ rows, end, tag }))

/** The whole answer, with each duration as of `now`. */
export const bodyAt = ({ rows, end }: WrittenList, now: number): Effect.Effect<Uint8Array> =>
  Effect.map(
    inTurns(
      [...rows.values()],
      (part) => Buffer.from(`${part.map((row) => `${row.text}${secondsOf(row, now)}`).join("},")}}`),
      ROWS_A_TURN
    ),
    (parts) => {
      const comma = Buffer.from(",")
      const between = parts.flatMap((part, index) => (index === 0 ? [part] : [comma, part]))
      return Buffer.concat([Buffer.from('{"streams":['), ...between, Buffer.from(end)])
    }
  )
