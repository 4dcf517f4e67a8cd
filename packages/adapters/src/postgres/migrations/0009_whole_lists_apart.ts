/**
 * The order of all streams has an index that only the list of all streams can use, because it begins with their media server. A list
 * of somebody's streams could else be read from it, past all newer streams of everybody: the planner takes them to be spread evenly.
 */
export const statements: ReadonlyArray<string> = [
  `create index streams_of_server on streams (media_server, started_at desc, id desc)`,
  `drop index streams_newest_first`
]
