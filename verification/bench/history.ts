/**
 * A long history, written by SQL: keys of a hundred broadcasters, and past streams with their three transitions and the event of each end, as if the service had
 * written them. The triggers that check each event against its stream are off meanwhile, or a million streams would take minutes.
 */
import type { Client } from "pg"

const BROADCASTERS = 100
/** Younger than `HISTORY_KEEP` by its default of 400 days: none of it is pruned during a run. */
const DAYS = 80

/** The values of keys that are made here are as long as others. */
const valueOf = (index: number): string => `sk_${String(index).padStart(43, "x")}`

const seconds = `interval '1 second'`

const statements = (keys: number, streams: number): ReadonlyArray<string> => [
  "begin",
  "set local session_replication_role = replica",
  "set local synchronous_commit = off",
  `create temporary table owners on commit drop as
    select gen_random_uuid() as id, n - 1 as nth from generate_series(1, ${BROADCASTERS}) n`,
  "insert into broadcasters (id, display_name) select id, 'Broadcaster ' || nth from owners",
  `create temporary table made on commit drop as
    select gen_random_uuid() as id, o.id as owner, n as nth, 'sk_' || lpad(n::text, 43, 'x') as value
    from generate_series(0, ${keys - 1}) n join owners o on o.nth = n % ${BROADCASTERS}`,
  `insert into stream_keys (id, broadcaster_id, hash, key_prefix, label, created_at)
    select id, owner, sha256(convert_to(value, 'UTF8')), left(value, 7), 'camera ' || nth,
      clock_timestamp() - interval '${DAYS + 1} days' + nth * (interval '1 day' / ${keys})
    from made`,
  "create index on made (nth)",
  `create temporary table past on commit drop as
    select gen_random_uuid() as id, m.id as key, m.owner, n as nth,
      clock_timestamp()::timestamptz(3) - interval '${DAYS} days' + n * (interval '${DAYS - 1} days' / ${streams}) as at
    from generate_series(0, ${streams - 1}) n join made m on m.nth = (n * 7919::bigint) % ${keys}`,
  `insert into streams (id, stream_key_id, broadcaster_id, path, source_id, protocol, title, started_at, ready_at, source_type, ended_at,
      end_reason, tracks, viewer_count, inbound_bytes, state_as_of, last_seq)
    select id, key, owner, 'live/' || left(key::text, 8), gen_random_uuid(), 'rtmp', 'camera', at, at + ${seconds}, 'rtmpConn',
      at + 60 * ${seconds}, 'disconnected', '[{"codec":"H264"},{"codec":"MPEG-4 Audio"}]', 0, 7500000, at + 60 * ${seconds}, 3
    from past`,
  `insert into stream_events (stream_id, seq, type, at, data, log_id)
    select id, 1, 'admitted', at, '{}'::jsonb, null::bigint from past
    union all select id, 2, 'ready', at + ${seconds}, '{"source_type":"rtmpConn"}', null from past
    union all select id, 3, 'ended', at + 60 * ${seconds}, '{"reason":"disconnected"}', null from past`,
  // One event of each stream, its end.
  `insert into event_log (log_id, id, position, type, at, subject, stream_seq, broadcaster_id, data)
    select n.log_id, 'evt_' || n.log_id || '_0000000000000000', h.position + p.nth + 1, 'stream.ended', p.at + 60 * ${seconds},
      'stream:' || p.id, 3, p.owner, jsonb_build_object(
        'id', p.id, 'stream_key_id', p.key, 'path', 'live/' || left(p.key::text, 8), 'source_id', p.id, 'protocol', 'rtmp',
        'started_at', p.at, 'ready_at', p.at + ${seconds}, 'source_type', 'rtmpConn', 'ended_at', p.at + 60 * ${seconds},
        'end_reason', 'disconnected', 'title', 'camera', 'viewer_count', 0, 'inbound_bytes', 7500000,
        'state_as_of', p.at + 60 * ${seconds}, 'broadcaster_id', p.owner, 'broadcaster_name', 'Broadcaster',
        'broadcaster_created_at', p.at, 'broadcaster_updated_at', p.at, 'metadata', '{}'::jsonb,
        'tracks', '[{"codec":"H264"},{"codec":"MPEG-4 Audio"}]'::jsonb, 'broadcaster_metadata', '{}'::jsonb
      )
    from past p cross join event_head h cross join lateral (select nextval('event_ids') + 0 * p.nth as log_id) n`,
  `update event_head set position = position + ${streams}`,
  "commit",
  "vacuum (analyze, freeze)",
  "checkpoint"
]

/** The values of some of its keys, spread over all of them. */
export const writeHistory = async (client: Client, keys: number, streams: number): Promise<ReadonlyArray<string>> => {
  for (const statement of statements(keys, streams)) await client.query(statement)
  const wanted = Math.min(keys, 20_000)
  return Array.from({ length: wanted }, (_, nth) => valueOf(Math.floor((nth * keys) / wanted)))
}
