/** What must be so after the storm, and what was on the air in it that should not have been. */
import { Effect } from "effect"
import type { Api } from "../packages/server/test/scenarios/Api.ts"
import type { DatabaseControls } from "../packages/server/test/scenarios/database.ts"
import type { Keys } from "./Keys.ts"
import type { OnAir, Sighting } from "./Observer.ts"
import { longestOutside, now, type Window } from "./Windows.ts"

export const PROMISED_MS = 5_000

interface Row {
  readonly source_id: string
  readonly stream_key_id: string
  readonly stop_requested: number | null
  readonly ended: number | null
}

const millis = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`

const rowsOf = ({ query }: DatabaseControls) =>
  Effect.map(
    query(
      `select source_id, stream_key_id, ${millis("stop_requested_at")} as stop_requested, ${millis("ended_at")} as ended
       from streams`
    ),
    (rows) => new Map((rows as unknown as ReadonlyArray<Row>).map((row) => [row.source_id, row]))
  )

export interface Overstay {
  readonly what: string
  readonly path: string
  readonly millis: number
}

/** For each source that was seen when it should not have been: why, and for how long outside the windows, the worst first. */
export const overstays = Effect.fnUntraced(function* (
  database: DatabaseControls,
  keys: Keys,
  sightings: ReadonlyMap<string, Sighting>,
  windows: ReadonlyArray<Window>
) {
  const rows = yield* rowsOf(database)
  const found: Array<Overstay> = []
  for (const [source, { path, times }] of sightings) {
    const row = rows.get(source)
    const wrongSince = (why: string, since: number) => {
      const wrong = times.filter((time) => time >= since)
      const { millis } = longestOutside(wrong, since, windows)
      if (wrong.length > 0) found.push({ what: why, path, millis })
    }
    if (row === undefined) {
      wrongSince("of nobody who was admitted", times[0]!)
      continue
    }
    for (const { why, from, to } of keys.all.get(row.stream_key_id)?.dead ?? []) {
      const wrong = times.filter((time) => from <= time && time < to)
      if (wrong.length > 0)
        found.push({ what: `of a key ${why}`, path, millis: longestOutside(wrong, from, windows).millis })
    }
    if (row.stop_requested !== null) wrongSince("of a stream told to stop", row.stop_requested)
    if (row.ended !== null) wrongSince("of a stream that had ended", row.ended)
  }
  return found.sort((a, b) => b.millis - a.millis)
})

interface Views {
  readonly api: OnAir
  readonly store: OnAir
  readonly mediaServer: OnAir
}

const same = (one: OnAir, other: OnAir) =>
  one.size === other.size && [...one].every(([path, source]) => other.get(path) === source)

const differences = ({ api, store, mediaServer }: Views): ReadonlyArray<string> =>
  [...new Set([...api.keys(), ...store.keys(), ...mediaServer.keys()])].flatMap((path) => {
    const [a, s, m] = [api.get(path), store.get(path), mediaServer.get(path)]
    return a === s && s === m ? [] : [`${path}: API ${a}, store ${s}, MediaMTX ${m}`]
  })

/** Until API, store and media server say the same of every path; how long after `since`, and, when that was late, what differed last. */
export const agreement = Effect.fnUntraced(function* (
  api: Api,
  { query }: DatabaseControls,
  mediaServer: Effect.Effect<OnAir | undefined>,
  since: number,
  patience: number
) {
  let last: ReadonlyArray<string> = ["the media server was never seen"]
  while (now() - since < patience) {
    const seen = yield* mediaServer
    const [streams, rows] = yield* Effect.all([
      api.streams(""),
      query("select path, source_id from streams where ended_at is null and ready_at is not null")
    ])
    if (seen !== undefined) {
      const views: Views = {
        api: new Map(streams.map(({ path, source_id }) => [path, source_id])),
        store: new Map(rows.map(({ path, source_id }) => [String(path), String(source_id)])),
        mediaServer: seen
      }
      if (same(views.api, views.store) && same(views.store, seen)) {
        const millis = now() - since
        return { millis, paths: seen.size, differences: millis > PROMISED_MS ? last : [] }
      }
      last = differences(views)
    }
    yield* Effect.sleep("50 millis")
  }
  return { millis: null, paths: 0, differences: last }
})

/** Sequences with gaps, events written twice, and sessions that are unended twice on a path or a key. */
export const brokenRows = Effect.fnUntraced(function* ({ query }: DatabaseControls) {
  const questions = {
    "events written twice": "select 1 from stream_events group by stream_id, type having count(*) > 1",
    "sequences with gaps":
      "select 1 from stream_events group by stream_id having min(seq) <> 1 or max(seq) <> count(*)",
    "paths with two sessions":
      "select 1 from streams where ended_at is null and stop_reason is distinct from 'superseded' group by path having count(*) > 1",
    "keys with two sessions":
      "select 1 from streams where ended_at is null and stop_reason is distinct from 'superseded' group by stream_key_id having count(*) > 1"
  }
  const complaints: Array<string> = []
  for (const [what, sql] of Object.entries(questions)) {
    const { length } = yield* query(sql)
    if (length > 0) complaints.push(`${what}: ${length}`)
  }
  return complaints
})
