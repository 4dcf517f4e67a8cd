/** What must be so after the chaos run, and what was on the air in it that should not have been. */
import { readFileSync } from "node:fs"
import { Effect } from "effect"
import type { Api } from "../worlds/Api.ts"
import type { DatabaseControls } from "../worlds/database.ts"
import { pathOf } from "../worlds/Target.ts"
import { agreementOf, type Look, type OnAir } from "./Agreement.ts"
import type { HeldKey, Keys } from "./Keys.ts"
import type { Sighting } from "./Observer.ts"
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

interface StreamRow {
  readonly path: string
  readonly source_id: string
}

const onAirIn = (rows: ReadonlyArray<Pick<StreamRow, "path" | "source_id">>): OnAir =>
  new Map(rows.map(({ path, source_id }) => [path, source_id]))

/** The streams of the database that this is true of. */
const storedWhere = ({ query }: DatabaseControls, condition: string) =>
  Effect.map(query(`select path, source_id from streams where ${condition}`), (rows) =>
    onAirIn(rows as unknown as ReadonlyArray<StreamRow>)
  )

/** The streams that the API lists with these statuses; a sentence when it lists none because it does not answer. */
const listedBy = (api: Api, statuses: string) =>
  Effect.map(
    api.call<{ readonly streams: ReadonlyArray<StreamRow> }>("GET", `/streams?status=${statuses}`),
    ({ status, body }) => (status === 200 ? onAirIn(body.streams) : `the API answers ${status}`)
  )

/** Everybody who is on the air, as the API, the store and the media server itself have it. */
const lookAround = Effect.fnUntraced(function* (
  api: Api,
  database: DatabaseControls,
  mediaServer: Effect.Effect<OnAir | undefined>
) {
  const onAir = yield* mediaServer
  const [listed, stored] = yield* Effect.all([
    listedBy(api, "active"),
    storedWhere(database, "ended_at is null and ready_at is not null")
  ])
  const seen =
    onAir === undefined
      ? "the media server does not answer"
      : typeof listed === "string"
        ? listed
        : { api: listed, store: stored, mediaServer: onAir }
  const look: Look = { at: now(), seen }
  return look
})

/** Watches the three for so many milliseconds, from `since` on. */
export const watchAgreement = Effect.fnUntraced(function* (
  api: Api,
  database: DatabaseControls,
  mediaServer: Effect.Effect<OnAir | undefined>,
  since: number,
  millis: number
) {
  const looks: Array<Look> = []
  while (now() - since < millis) {
    looks.push(yield* lookAround(api, database, mediaServer))
    yield* Effect.sleep("50 millis")
  }
  return agreementOf(looks, since)
})

/**
 * Until every encoder is on the air with the key that it holds, and no session is unended but theirs: no key stays locked. How long that
 * took; when it was too long, what was still missing.
 */
export const everybodyBack = Effect.fnUntraced(function* (
  api: Api,
  database: DatabaseControls,
  mediaServer: Effect.Effect<OnAir | undefined>,
  inUse: () => ReadonlyArray<HeldKey>,
  patience: number
) {
  const since = now()
  let missing: ReadonlyArray<string> = []
  while (now() - since < patience) {
    const onAir = (yield* mediaServer) ?? new Map<string, string>()
    const listed = yield* listedBy(api, "connecting,active")
    const unended = yield* storedWhere(database, "ended_at is null")
    const paths = inUse().map(({ key }) => pathOf(key))
    missing =
      typeof listed === "string"
        ? [listed]
        : [
            ...paths.filter((path) => !onAir.has(path)).map((path) => `${path}: its encoder does not get on the air`),
            ...[...unended, ...listed]
              .filter(([path, source]) => onAir.get(path) !== source)
              .map(([path, source]) => `${path}: source ${source} has a session, and is not on the air`)
          ]
    if (missing.length === 0) return { millis: now() - since, missing }
    yield* Effect.sleep("100 millis")
  }
  return { millis: null, missing: [...new Set(missing)] }
})

/** The query of docs/operating.md for streams that are not what their events say. */
const differing = (): string => {
  const page = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8")
  const query = /```sql\n(select coalesce[\s\S]+?);\n```/.exec(page)?.[1]
  if (query === undefined) throw new Error("docs/operating.md has no query that compares streams with their events")
  return query
}

/** How many streams there are, and those that are not the fold of their events. */
export const checked = Effect.fnUntraced(function* ({ query }: DatabaseControls) {
  const found = yield* query(differing())
  const [all] = yield* query("select count(*)::int as streams from streams")
  return {
    streams: Number(all?.streams),
    complaints: found.map(({ stream, types }) => `stream ${stream} is not what its events say: ${types}`)
  }
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
