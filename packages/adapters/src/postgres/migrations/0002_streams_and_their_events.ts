/**
 * The sessions and their history. A row is the fold of its events, whichever program writes it. The database itself refuses:
 * - two sessions on a key or a path, and two sessions of one source;
 * - a change of an ended session, and a change of the history;
 * - a change without its event, and an event without its change.
 */
import type { Names } from "../names.ts"

const notSuperseded = "ended_at is null and stop_reason is distinct from 'superseded'"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create table ${n.streams} (
    id uuid primary key,
    stream_key_id uuid not null references ${n.stream_keys} (id),
    media_server text not null default 'main',
    path text not null check (path !~ 'sk_[0-9A-Za-z_-]{43}'),
    source_id text not null,
    protocol text check (protocol in ('rtmp', 'rtmps', 'rtsp', 'rtsps', 'srt', 'webrtc')),
    title text,
    description text,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    recording_ref text,
    started_at timestamptz(3) not null default clock_timestamp(),
    ready_at timestamptz(3),
    source_type text,
    stop_reason text check (stop_reason in
      ('never_ready', 'revoked', 'expired', 'disabled', 'stopped', 'broadcaster_deleted', 'superseded')),
    stop_requested_at timestamptz(3),
    kicked_at timestamptz(3),
    ended_at timestamptz(3),
    end_reason text,
    tracks jsonb not null default '[]' check (jsonb_typeof(tracks) = 'array'),
    viewer_count integer not null default 0 check (viewer_count >= 0),
    inbound_bytes bigint not null default 0 check (inbound_bytes >= 0),
    state_as_of timestamptz(3),
    last_seq integer not null default 1,
    constraint ready_has_a_source_type check ((ready_at is null) = (source_type is null)),
    constraint stop_has_a_time check ((stop_reason is null) = (stop_requested_at is null)),
    constraint kicked_was_stopped check (kicked_at is null or stop_reason is not null),
    constraint end_has_a_reason check ((ended_at is null) = (end_reason is null)),
    constraint end_reason_follows check (case
      when end_reason is null then true
      when stop_reason is not null then end_reason = stop_reason
      when ready_at is not null then end_reason in ('disconnected', 'media_server_restarted')
      else end_reason in ('never_ready', 'media_server_restarted')
    end)
  ) with (fillfactor = 80)`,
  `create unique index streams_one_a_key on ${n.streams} (stream_key_id) where ${notSuperseded}`,
  `create unique index streams_one_a_path on ${n.streams} (media_server, path) where ${notSuperseded}`,
  `create unique index streams_one_a_source on ${n.streams} (media_server, source_id)`,
  `create index streams_unended on ${n.streams} (started_at desc, id desc) where ended_at is null`,
  `create index streams_newest_first on ${n.streams} (started_at desc, id desc)`,
  `create index streams_of_key on ${n.streams} (stream_key_id, started_at desc, id desc)`,
  `create index streams_on_path on ${n.streams} (path, started_at desc, id desc)`,

  `create table ${n.stream_events} (
    stream_id uuid not null,
    seq integer not null,
    type text not null check (type in ('admitted', 'ready', 'stop_requested', 'kicked', 'ended')),
    at timestamptz(3) not null,
    data jsonb not null default '{}',
    primary key (stream_id, seq)
  )`,

  `create function ${n.history_is_kept}() returns trigger language plpgsql as $$
  begin
    raise exception '% of % is not allowed: history is kept', lower(tg_op), tg_table_name using errcode = 'restrict_violation';
  end $$`,
  `create trigger stream_events_are_kept before update or delete on ${n.stream_events}
    for each row execute function ${n.history_is_kept}()`,
  `create trigger stream_events_are_not_truncated before truncate on ${n.stream_events}
    for each statement execute function ${n.history_is_kept}()`,
  `create trigger streams_are_kept before delete on ${n.streams}
    for each row execute function ${n.history_is_kept}()`,
  `create trigger streams_are_not_truncated before truncate on ${n.streams}
    for each statement execute function ${n.history_is_kept}()`,

  // Before a change: the identity and all times and reasons that are set stay, an ended stream never changes, every change is numbered.
  `create function ${n.stream_moves_forward}() returns trigger language plpgsql as $$
  begin
    if (new.id, new.stream_key_id, new.media_server, new.path, new.source_id, new.protocol, new.started_at)
      is distinct from
      (old.id, old.stream_key_id, old.media_server, old.path, old.source_id, old.protocol, old.started_at)
    then
      raise exception 'stream % keeps its identity', old.id using errcode = 'restrict_violation';
    end if;
    if (new.ready_at, new.source_type, new.stop_reason, new.stop_requested_at, new.kicked_at, new.ended_at, new.end_reason)
      is not distinct from
      (old.ready_at, old.source_type, old.stop_reason, old.stop_requested_at, old.kicked_at, old.ended_at, old.end_reason)
    then
      if new.last_seq <> old.last_seq then
        raise exception 'stream % has an event without a change', old.id using errcode = 'restrict_violation';
      end if;
      return new;
    end if;
    if old.ended_at is not null then
      raise exception 'stream % has ended', old.id using errcode = 'restrict_violation';
    end if;
    if (old.ready_at is not null and (new.ready_at, new.source_type) is distinct from (old.ready_at, old.source_type))
      or (old.stop_reason is not null
        and (new.stop_reason, new.stop_requested_at) is distinct from (old.stop_reason, old.stop_requested_at))
      or (old.kicked_at is not null and new.kicked_at is distinct from old.kicked_at)
    then
      raise exception 'what was said of stream % stays', old.id using errcode = 'restrict_violation';
    end if;
    if new.last_seq <> old.last_seq + 1 then
      raise exception 'stream % has a change without its number', old.id using errcode = 'restrict_violation';
    end if;
    return new;
  end $$`,
  `create trigger stream_moves_forward before update of
    id, stream_key_id, media_server, path, source_id, protocol, started_at,
    ready_at, source_type, stop_reason, stop_requested_at, kicked_at, ended_at, end_reason, last_seq on ${n.streams}
    for each row execute function ${n.stream_moves_forward}()`,

  // After the statement: the row's last event exists, and each event agrees with the row.
  `create function ${n.stream_has_its_event}() returns trigger language plpgsql as $$
  begin
    if tg_op = 'INSERT' and (new.last_seq <> 1 or new.ready_at is not null or new.stop_reason is not null
      or new.ended_at is not null)
    then
      raise exception 'stream % does not begin at its beginning', new.id using errcode = 'restrict_violation';
    end if;
    if not exists (select from ${n.stream_events} where stream_id = new.id and seq = new.last_seq) then
      raise exception 'stream % has no event %', new.id, new.last_seq using errcode = 'restrict_violation';
    end if;
    return null;
  end $$`,
  `create trigger stream_has_its_event after insert or update of last_seq on ${n.streams}
    for each row execute function ${n.stream_has_its_event}()`,
  `create function ${n.event_has_its_change}() returns trigger language plpgsql as $$
  begin
    if not exists (
      select from ${n.streams} s where s.id = new.stream_id and s.last_seq = new.seq and case new.type
        when 'admitted' then new.seq = 1 and s.started_at = new.at
        when 'ready' then s.ready_at = new.at and s.source_type = new.data ->> 'source_type'
        when 'stop_requested' then s.stop_requested_at = new.at and s.stop_reason = new.data ->> 'reason'
        when 'kicked' then s.kicked_at = new.at
        when 'ended' then s.ended_at = new.at and s.end_reason = new.data ->> 'reason'
      end
    ) then
      raise exception 'event % (%) of stream % is not what the stream says', new.seq, new.type, new.stream_id
        using errcode = 'restrict_violation';
    end if;
    return null;
  end $$`,
  `create trigger event_has_its_change after insert on ${n.stream_events}
    for each row execute function ${n.event_has_its_change}()`
]
