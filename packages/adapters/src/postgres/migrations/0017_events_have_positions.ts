/**
 * The event log. A transition of a stream is written to `stream_events` alone. Its event is derived from it by `place_events`, which runs after
 * the commit and gives positions. All other events are written by triggers, in the statement that changes the resource, without a position.
 * `place_events` numbers both together, in the order of `log_id`, which is drawn when an event is written. Transactions of one subject follow
 * one another by the lock of its row, so the events of a subject are in order.
 *
 * A position is given under the lock of `event_head`, by a statement whose snapshot is taken under that lock. So positions become visible in
 * their order, and a reader that has seen one has seen all before it.
 */
import type { Names } from "../names.ts"

export const eventTypes = [
  "stream.connecting",
  "stream.active",
  "stream.stop_requested",
  "stream.kicked",
  "stream.ended",
  "key.created",
  "key.changed",
  "key.revoked",
  "key.expired",
  "broadcaster.created",
  "broadcaster.changed",
  "broadcaster.deleted",
  "worker.started",
  "worker.retrying",
  "worker.stopped",
  "worker.failed",
  "media_server.reachable",
  "media_server.unreachable",
  "media_server.restarted",
  "webhook_endpoint.disabled"
]

/** The columns first and the default after: neither rewrites the table. Events from before have no `log_id` and get no position. */
const tables = (n: Names): ReadonlyArray<string> => [
  `create sequence ${n.quotedSchema}.event_ids as bigint cache 1`,
  `alter table ${n.stream_events} add column log_id bigint, add column position bigint`,
  `alter table ${n.stream_events} alter column log_id set default nextval('${n.quotedSchema}.event_ids')`,
  // A vacuum when a fifth of a large history has changed is too late for the index of what has no position.
  `alter table ${n.stream_events} set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000)`,
  `create index stream_events_unplaced on ${n.stream_events} (log_id) where position is null and log_id is not null`,

  `create table ${n.event_log} (
    log_id bigint primary key default nextval('${n.quotedSchema}.event_ids'),
    id text not null,
    position bigint,
    type text not null check (type in (${eventTypes.map((type) => `'${type}'`).join(", ")})),
    at timestamptz(3) not null,
    subject text not null,
    stream_seq integer,
    broadcaster_id uuid,
    data jsonb not null check (jsonb_typeof(data) = 'object'),
    constraint streams_have_a_seq check ((stream_seq is not null) = (type like 'stream.%'))
  )`,
  `alter table ${n.event_log} set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000)`,
  // The id names the row, and cannot be guessed.
  `alter table ${n.event_log} alter column id set default 'evt_' || currval('${n.quotedSchema}.event_ids') || '_' || left(md5(gen_random_uuid()::text), 16)`,
  `create unique index event_log_in_order on ${n.event_log} (position)`,
  `create index event_log_of_subject on ${n.event_log} (subject, position)`,
  `create index event_log_unplaced on ${n.event_log} (log_id) where position is null`,

  `create table ${n.event_head} (
    singleton boolean primary key default true check (singleton),
    log text not null check (log ~ '^[0-9a-f]{16}$'),
    position bigint not null default 0,
    oldest bigint not null default 1,
    expiries_after timestamptz not null default clock_timestamp(),
    origin text not null
  )`
]

/**
 * What a restored database does not have: PostgreSQL's identifier of the cluster, its timeline, which a recovery to a point in time and a failover
 * change, the database, which a copy by template is not, and the table itself, which a dump does not bring along. A restored copy of the files
 * has them all: then an operator renews the log.
 */
const origin = (n: Names): ReadonlyArray<string> => [
  `create function ${n.log_origin}() returns text language plpgsql stable as $$
  declare
    cluster text;
  begin
    if has_function_privilege('pg_control_system()', 'execute') then
      select system_identifier::text into cluster from pg_control_system();
    end if;
    return concat_ws('/', coalesce(cluster, '-'), left(pg_walfile_name(pg_current_wal_lsn()), 8),
      (select oid from pg_database where datname = current_database()), '${n.event_head}'::regclass::oid);
  end $$`,
  `insert into ${n.event_head} (log, origin) values (left(md5(gen_random_uuid()::text), 16), ${n.log_origin}())`,
  `create function ${n.renew_event_log}(out log text, out "position" bigint, out oldest bigint) language sql volatile as $$
    update ${n.event_head} h set log = left(md5(gen_random_uuid()::text), 16), origin = ${n.log_origin}()
    returning h.log, h.position, h.oldest
  $$`
]

const placedOnce = (n: Names): ReadonlyArray<string> => [
  `create function ${n.stream_event_is_placed_once}() returns trigger language plpgsql as $$
  begin
    if old.position is null and new.position is not null
      and (new.stream_id, new.seq, new.type, new.at, new.data, new.log_id) is not distinct from
        (old.stream_id, old.seq, old.type, old.at, old.data, old.log_id)
    then
      return new;
    end if;
    raise exception 'update of % is not allowed: history is kept', tg_table_name using errcode = 'restrict_violation';
  end $$`,
  `create or replace trigger stream_events_are_kept before update on ${n.stream_events}
    for each row execute function ${n.stream_event_is_placed_once}()`,
  `create function ${n.event_is_placed_once}() returns trigger language plpgsql as $$
  begin
    if tg_op = 'UPDATE' then
      if old.position is null and new.position is not null
        and (new.log_id, new.id, new.type, new.at, new.subject, new.stream_seq, new.broadcaster_id, new.data) is not distinct from
          (old.log_id, old.id, old.type, old.at, old.subject, old.stream_seq, old.broadcaster_id, old.data)
      then
        return new;
      end if;
    elsif tg_op = 'DELETE' and current_setting('greenroom.pruning', true) = 'on' and old.position is not null then
      return old;
    end if;
    raise exception '% of % is not allowed: events are kept', lower(tg_op), tg_table_name using errcode = 'restrict_violation';
  end $$`,
  `create trigger event_log_is_kept before update or delete on ${n.event_log}
    for each row execute function ${n.event_is_placed_once}()`,
  `create trigger event_log_is_not_truncated before truncate on ${n.event_log}
    for each statement execute function ${n.event_is_placed_once}()`
]

/**
 * A stream right after its event, as `GET /streams/{id}` shows it: what later transitions have set is left out. Title, metadata, broadcaster
 * and what the media server showed are as they are now. What is null is left out, but not in what people have put there. An expression of
 * `place_events`, not a function, which PostgreSQL would plan again for each call.
 */
const streamImage = `jsonb_strip_nulls(jsonb_build_object(
        'id', s.id, 'stream_key_id', s.stream_key_id, 'path', s.path, 'source_id', s.source_id, 'protocol', s.protocol,
        'started_at', s.started_at,
        'ready_at', case when e.ready then s.ready_at end, 'source_type', case when e.ready then s.source_type end,
        'stop_reason', case when e.stopping then s.stop_reason end,
        'stop_requested_at', case when e.stopping then s.stop_requested_at end,
        'kicked_at', case when e.kicked then s.kicked_at end,
        'ended_at', case when u.type = 'ended' then s.ended_at end, 'end_reason', case when u.type = 'ended' then s.end_reason end,
        'title', s.title, 'description', s.description, 'recording_ref', s.recording_ref,
        'viewer_count', s.viewer_count, 'inbound_bytes', s.inbound_bytes, 'state_as_of', s.state_as_of,
        'broadcaster_id', b.id, 'broadcaster_name', b.display_name, 'broadcaster_external_id', b.external_id,
        'broadcaster_contact', b.contact, 'broadcaster_created_at', b.created_at, 'broadcaster_updated_at', b.updated_at
      )) || jsonb_build_object('metadata', s.metadata, 'tracks', s.tracks, 'broadcaster_metadata', b.metadata)`

/** The triggers that write the events of everything but streams. Workers' keys have none. */
const writers = (n: Names): ReadonlyArray<string> => [
  `alter table ${n.stream_keys} add column expired_event_at timestamptz(3)`,
  // Keys that expired before the log began have no event. An update of each of them would hold up admissions (measured: 44 µs a key).
  `create index stream_keys_to_expire on ${n.stream_keys} (expires_at)
    where expires_at is not null and expired_event_at is null and revoked_at is null and admits_until is null`,
  `create function ${n.key_image}(k ${n.stream_keys}) returns jsonb language sql stable as $$
    select jsonb_build_object(
      'id', k.id, 'broadcaster_id', k.broadcaster_id, 'key_prefix', k.key_prefix, 'label', k.label, 'path', k.path,
      'enabled', k.enabled, 'created_at', k.created_at, 'expires_at', k.expires_at, 'revoked_at', k.revoked_at,
      'last_used_at', greatest(
        (select max(s.started_at) from ${n.streams} s where s.stream_key_id = k.id),
        (select u.last_started_at from ${n.pruned_key_uses} u where u.stream_key_id = k.id)
      ),
      'active_stream_id', (
        select s.id from ${n.streams} s where s.stream_key_id = k.id and ${n.occupies_key_and_path}(s.ended_at, s.stop_reason)
      )
    )
  $$`,
  `create function ${n.key_writes_its_events}() returns trigger language plpgsql as $$
  declare
    event text := case
      when tg_op = 'INSERT' then 'key.created'
      when old.revoked_at is null and new.revoked_at is not null then 'key.revoked'
      when old.expired_event_at is null and new.expired_event_at is not null then 'key.expired'
      when (new.label, new.expires_at, new.enabled) is distinct from (old.label, old.expires_at, old.enabled) then 'key.changed'
    end;
  begin
    if event is not null then
      insert into ${n.event_log} (type, at, subject, broadcaster_id, data) values (
        event, case event when 'key.created' then new.created_at when 'key.revoked' then new.revoked_at
          when 'key.expired' then new.expires_at else clock_timestamp() end,
        'key:' || new.id, new.broadcaster_id, ${n.key_image}(new)
      );
    end if;
    return null;
  end $$`,
  `create trigger key_writes_its_events after insert or update of label, expires_at, enabled, revoked_at, expired_event_at on ${n.stream_keys}
    for each row when (new.admits_until is null) execute function ${n.key_writes_its_events}()`,

  `create function ${n.broadcaster_image}(b ${n.broadcasters}) returns jsonb language sql stable as $$
    select jsonb_build_object(
      'id', b.id, 'external_id', b.external_id, 'display_name', b.display_name, 'contact', b.contact, 'metadata', b.metadata,
      'created_at', b.created_at, 'updated_at', b.updated_at
    )
  $$`,
  `create function ${n.broadcaster_writes_its_events}() returns trigger language plpgsql as $$
  declare
    event text := case
      when tg_op = 'INSERT' or (old.deleted_at is not null and new.deleted_at is null) then 'broadcaster.created'
      when old.deleted_at is null and new.deleted_at is not null then 'broadcaster.deleted'
      when new.updated_at is distinct from old.updated_at then 'broadcaster.changed'
    end;
  begin
    if event is not null then
      insert into ${n.event_log} (type, at, subject, broadcaster_id, data) values (
        event, case when event = 'broadcaster.deleted' then new.deleted_at when event = 'broadcaster.changed' then new.updated_at
          when tg_op = 'INSERT' then new.created_at else clock_timestamp() end,
        'broadcaster:' || new.id, new.id, ${n.broadcaster_image}(new)
      );
    end if;
    return null;
  end $$`,
  `create trigger broadcaster_writes_its_events after insert or update on ${n.broadcasters}
    for each row execute function ${n.broadcaster_writes_its_events}()`,

  `create function ${n.worker_writes_its_events}() returns trigger language plpgsql as $$
  declare
    event text := case new.state when 'running' then 'worker.started' when 'retrying' then 'worker.retrying'
      when 'stopped' then 'worker.stopped' when 'failed' then 'worker.failed' end;
  begin
    if event is not null and (tg_op = 'INSERT' or new.state <> old.state) then
      insert into ${n.event_log} (type, at, subject, data)
      values (event, new.updated_at, 'worker:' || new.pipeline, to_jsonb(new) - 'holder');
    end if;
    return null;
  end $$`,
  `create trigger worker_writes_its_events after insert or update of state on ${n.workers}
    for each row execute function ${n.worker_writes_its_events}()`,

  `alter table ${n.leases} add column reachable boolean`,
  `create function ${n.media_server_writes_its_events}() returns trigger language plpgsql as $$
  declare
    was constant boolean := case when tg_op = 'UPDATE' then old.reachable end;
    server constant jsonb := jsonb_build_object('id', new.media_server, 'reachable', coalesce(new.reachable, false), 'started', new.started);
    subject constant text := 'media_server:' || new.media_server;
  begin
    if new.reachable is distinct from was then
      insert into ${n.event_log} (type, at, subject, data) values (
        case when new.reachable then 'media_server.reachable' else 'media_server.unreachable' end, clock_timestamp(), subject, server
      );
    end if;
    if tg_op = 'UPDATE' and old.started is not null and new.started is distinct from old.started then
      insert into ${n.event_log} (type, at, subject, data) values ('media_server.restarted', clock_timestamp(), subject, server);
    end if;
    return null;
  end $$`,
  `create trigger media_server_writes_its_first_events after insert on ${n.leases}
    for each row execute function ${n.media_server_writes_its_events}()`,
  `create trigger media_server_writes_its_events after update of reachable, started on ${n.leases}
    for each row when ((new.reachable, new.started) is distinct from (old.reachable, old.started))
    execute function ${n.media_server_writes_its_events}()`
]

/**
 * Each statement of a volatile function has a snapshot of its own: that of the numbering is taken under the lock. Its plans are made once a
 * connection, perhaps while the tables are empty, and they must be right when the tables are large: a few rows, each by an index.
 */
export const placeEvents = (n: Names): string =>
  `create function ${n.place_events}(most integer, out placed integer, out log text, out newest bigint, out oldest bigint)
    language plpgsql volatile set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  declare
    head ${n.event_head};
  begin
    update ${n.stream_keys} set expired_event_at = clock_timestamp() where id = any(array(
      select id from ${n.stream_keys}
      where expires_at > (select expiries_after from ${n.event_head}) and expires_at <= clock_timestamp()
        and expired_event_at is null and revoked_at is null and admits_until is null
      order by expires_at limit most for no key update skip locked
    ));

    placed := 0;
    -- Most calls find nothing. A lock would make them write.
    if not exists (select from ${n.stream_events} where position is null and log_id is not null)
      and not exists (select from ${n.event_log} where position is null)
    then
      select h.log, h.position, h.oldest into log, newest, oldest from ${n.event_head} h;
      return;
    end if;

    select * into head from ${n.event_head} for update;
    with due as materialized (
      select * from (
        (select log_id, stream_id, seq, type, at from ${n.stream_events}
          where position is null and log_id is not null order by log_id limit most)
        union all
        (select log_id, null, null, null, null from ${n.event_log} where position is null order by log_id limit most)
      ) unplaced order by log_id limit most
    ), numbered as materialized (
      select *, head.position + row_number() over (order by log_id) as position from due
    ), of_streams as (
      update ${n.stream_events} e set position = u.position from numbered u where e.stream_id = u.stream_id and e.seq = u.seq
    ), of_others as (
      update ${n.event_log} l set position = u.position from numbered u where u.stream_id is null and l.log_id = u.log_id
    ), derived as (
      insert into ${n.event_log} (log_id, id, position, type, at, subject, stream_seq, broadcaster_id, data)
      select u.log_id, 'evt_' || u.log_id || '_' || left(md5(gen_random_uuid()::text), 16), u.position,
        'stream.' || case u.type when 'admitted' then 'connecting' when 'ready' then 'active' else u.type end,
        u.at, 'stream:' || u.stream_id, u.seq, s.broadcaster_id, ${streamImage}
      from numbered u
      cross join lateral (select * from ${n.streams} where id = u.stream_id offset 0) s
      cross join lateral (select * from ${n.broadcasters} where id = s.broadcaster_id offset 0) b
      cross join lateral (
        -- Most are placed before the next one is written: then the row is as the event left it.
        select s.ready_at is not null and (s.last_seq = u.seq or r.ready) as ready,
          s.stop_reason is not null and (s.last_seq = u.seq or r.stopping) as stopping,
          s.kicked_at is not null and (s.last_seq = u.seq or r.kicked) as kicked
        from (
          select bool_or(type = 'ready') as ready, bool_or(type = 'stop_requested') as stopping, bool_or(type = 'kicked') as kicked
          from ${n.stream_events} where s.last_seq <> u.seq and stream_id = u.stream_id and seq <= u.seq
        ) r
      ) e
    )
    select count(*) into placed from numbered;

    if placed > 0 then
      head.position := head.position + placed;
      if head.origin is distinct from ${n.log_origin}() then
        head.log := left(md5(gen_random_uuid()::text), 16);
        head.origin := ${n.log_origin}();
      end if;
      update ${n.event_head} set position = head.position, log = head.log, origin = head.origin;
      perform pg_notify('greenroom_events', '${n.schema} ' || head.position);
    end if;
    log := head.log;
    newest := head.position;
    oldest := head.oldest;
  end $$`

const placing = (n: Names): ReadonlyArray<string> => [
  placeEvents(n),

  // Both of several calls at once would delete the same.
  `create function ${n.prune_events}(keep_days integer, at_most integer) returns integer language plpgsql volatile as $$
  declare
    cutoff constant timestamptz := clock_timestamp() - keep_days * interval '24 hours';
    last bigint;
    gone integer;
  begin
    if keep_days < 1 or at_most < 1 then
      raise exception 'events are kept for a day at least' using errcode = 'check_violation';
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('greenroom.prune_events', 0)) then
      return 0;
    end if;
    -- Up to the first that is to be kept: positions are no exact order of times.
    select max(position) into last from (
      select position, bool_and(at < cutoff) over (order by position) as old
      from (select position, at from ${n.event_log} where position is not null order by position limit at_most) first
    ) prefix where old;
    if last is null then
      return 0;
    end if;
    perform set_config('greenroom.pruning', 'on', true);
    delete from ${n.event_log} where position <= last;
    get diagnostics gone = row_count;
    perform set_config('greenroom.pruning', 'off', true);
    update ${n.event_head} set oldest = last + 1;
    return gone;
  end $$`
]

export const statements = (n: Names): ReadonlyArray<string> => [
  ...tables(n),
  ...origin(n),
  ...placedOnce(n),
  ...writers(n),
  ...placing(n)
]
