/**
 * Only `prune_history` may delete old history. It permits that to the triggers by a setting of its transaction. Even then the
 * triggers accept only streams that ended a day ago or earlier, only together with their events, and they keep their usage. The
 * setting is not a protection against the role that owns the tables, which could drop any trigger: the triggers prevent
 * mistakes. Other roles are limited by their grants.
 *
 * A source id then has one session only while that session is kept. That is enough: a media server uses a random id for each
 * connection. A connection whose session ended a day ago is gone, or is kicked in every pass.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  // Bytes from before a source stopped sending and began again, because the media server then counts from 0.
  `alter table ${n.streams} add column earlier_bytes bigint not null default 0`,

  `create table ${n.pruned_usage} (
    broadcaster_id uuid not null,
    day date not null,
    by_worker boolean not null,
    streams bigint not null,
    seconds numeric not null,
    bytes numeric not null,
    primary key (broadcaster_id, day, by_worker)
  )`,
  // Not in the key's row, because an admission locks that.
  `create table ${n.pruned_key_uses} (
    stream_key_id uuid primary key references ${n.stream_keys} (id),
    last_started_at timestamptz(3) not null
  )`,

  `create function ${n.stream_is_kept}() returns trigger language plpgsql as $$
  begin
    if current_setting('greenroom.pruning', true) = 'on' and old.ended_at <= clock_timestamp() - interval '24 hours' then
      return old;
    end if;
    raise exception 'deleting stream % is not allowed: history is kept', old.id using errcode = 'restrict_violation';
  end $$`,
  `create or replace trigger streams_are_kept before delete on ${n.streams}
    for each row execute function ${n.stream_is_kept}()`,
  `create function ${n.event_is_kept}() returns trigger language plpgsql as $$
  begin
    if current_setting('greenroom.pruning', true) = 'on' and not exists (select from ${n.streams} where id = old.stream_id) then
      return old;
    end if;
    raise exception 'deleting event % of stream % is not allowed: history is kept', old.seq, old.stream_id
      using errcode = 'restrict_violation';
  end $$`,
  `create or replace trigger stream_events_are_kept before update on ${n.stream_events}
    for each row execute function ${n.history_is_kept}()`,
  `create trigger stream_events_go_with_their_stream before delete on ${n.stream_events}
    for each row execute function ${n.event_is_kept}()`,

  // A subquery for each stream's key, not a join: PostgreSQL could cache a plan that reads all keys, and keep it when they are many.
  `create function ${n.is_of_worker}(stream_key uuid) returns boolean language sql stable
    begin atomic
      select admits_until is not null from ${n.stream_keys} where id = stream_key;
    end`,
  `create function ${n.pruned_streams_leave_their_usage}() returns trigger language plpgsql as $$
  begin
    insert into ${n.pruned_usage} as u (broadcaster_id, day, by_worker, streams, seconds, bytes)
    select broadcaster_id, (started_at at time zone 'UTC')::date, ${n.is_of_worker}(stream_key_id), count(*),
      sum(greatest(coalesce(extract(epoch from ended_at - ready_at), 0), 0)), sum(earlier_bytes + inbound_bytes)
    from gone
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (broadcaster_id, day, by_worker) do update set
      streams = u.streams + excluded.streams, seconds = u.seconds + excluded.seconds, bytes = u.bytes + excluded.bytes;

    insert into ${n.pruned_key_uses} as u (stream_key_id, last_started_at)
    select stream_key_id, max(started_at) from gone
    where not ${n.is_of_worker}(stream_key_id)
    group by 1 order by 1
    on conflict (stream_key_id) do update set last_started_at = greatest(u.last_started_at, excluded.last_started_at);

    delete from ${n.stream_events} where stream_id = any(array(select id from gone));
    return null;
  end $$`,
  `create trigger pruned_streams_leave_their_usage after delete on ${n.streams}
    referencing old table as gone
    for each statement execute function ${n.pruned_streams_leave_their_usage}()`,

  // Both are null when another transaction prunes.
  `create function ${n.prune_history}(keep_days integer, at_most integer, out gone_streams integer, out gone_keys integer)
    language plpgsql as $$
  declare
    cutoff constant timestamptz := clock_timestamp() - keep_days * interval '24 hours';
    old_keys uuid[];
  begin
    if keep_days < 1 or at_most < 1 then
      raise exception 'history is kept for a day at least' using errcode = 'check_violation';
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('greenroom.prune_history', 0)) then
      return;
    end if;
    perform set_config('greenroom.pruning', 'on', true);

    -- What ended before began before, too: the index that has all streams in their order is read from its end.
    delete from ${n.streams} where id = any(array(
      select s.id from ${n.streams} s
      where s.media_server = 'main' and s.started_at < cutoff and s.ended_at < cutoff
      order by s.started_at, s.id limit at_most
      for update skip locked
    ));
    get diagnostics gone_streams = row_count;
    gone_keys := 0;

    if gone_streams < at_most then
      old_keys := array(
        select id from ${n.stream_keys} k
        where k.created_at < cutoff and k.revoked_at < cutoff and k.admits_until is null
          and not exists (select from ${n.streams} s where s.stream_key_id = k.id)
        limit at_most for update skip locked
      ) || array(
        select id from ${n.stream_keys} k
        where k.admits_until < cutoff and not exists (select from ${n.streams} s where s.stream_key_id = k.id)
        limit at_most for update skip locked
      );
      delete from ${n.pruned_key_uses} where stream_key_id = any(old_keys);
      delete from ${n.stream_keys} where id = any(old_keys);
      get diagnostics gone_keys = row_count;
    end if;
    perform set_config('greenroom.pruning', 'off', true);
  end $$`,

  // All usage, of streams that are kept and of pruned ones.
  `create view ${n.usage_by_day} as
    select broadcaster_id, day, by_worker, sum(streams) as streams, sum(seconds) as seconds, sum(bytes) as bytes
    from (
      select broadcaster_id, day, by_worker, streams, seconds, bytes from ${n.pruned_usage}
      union all
      select s.broadcaster_id, (s.started_at at time zone 'UTC')::date, k.admits_until is not null, 1,
        greatest(coalesce(extract(epoch from s.ended_at - s.ready_at), 0), 0), s.earlier_bytes + s.inbound_bytes
      from ${n.streams} s join ${n.stream_keys} k on k.id = s.stream_key_id
      where s.ended_at is not null
    ) used
    group by broadcaster_id, day, by_worker`
]
