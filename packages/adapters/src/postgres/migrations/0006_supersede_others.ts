/**
 * The part of a takeover that needs its own database snapshot. The statement that has locked the key's row calls it. It then sees
 * every session that was admitted during the wait for that lock. It marks the key's sessions of other connections and writes
 * their events.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create function ${n.supersede_others}(of_key uuid, newcomer text) returns integer language plpgsql volatile as $$
  declare
    marked integer;
  begin
    with old as (
      update ${n.streams} set stop_reason = 'superseded', stop_requested_at = clock_timestamp(), last_seq = last_seq + 1
      where stream_key_id = of_key and ended_at is null and stop_reason is null
        and not (media_server = 'main' and source_id = newcomer)
      returning id, last_seq, stop_requested_at
    )
    insert into ${n.stream_events} (stream_id, seq, type, at, data)
    select id, last_seq, 'stop_requested', stop_requested_at, '{"reason":"superseded"}' from old;
    get diagnostics marked = row_count;
    return marked;
  end $$`
]
