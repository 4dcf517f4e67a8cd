/**
 * The index for the list of all streams begins with the media server, so that only that list can use it. Otherwise the planner
 * could read one broadcaster's streams from it, past all newer streams of others: it takes each broadcaster's streams to be
 * spread evenly.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create index streams_of_server on ${n.streams} (media_server, started_at desc, id desc)`,
  `drop index ${n.quotedSchema}.streams_newest_first`
]
