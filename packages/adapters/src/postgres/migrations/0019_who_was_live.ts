/**
 * Which streams were live at a time is read from an index of the times between their beginning and their end. Those that have not ended have an
 * index already. A clock that went back makes an empty range, because one that ends before it begins is an error.
 */
import type { Names } from "../names.ts"

/** As the index has it. */
export const onAir = "tstzrange(started_at, greatest(started_at, ended_at))"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create index streams_ended_between on ${n.streams} using gist (${onAir}) where ended_at is not null`
]
