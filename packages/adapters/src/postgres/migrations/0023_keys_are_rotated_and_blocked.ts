/**
 * A key that was rotated is revoked when its overlap has ended (`revokes_at`), and a key may be blocked on a path for a while. Both are rules of
 * the admission statement, at the moment itself. `place_events` writes the revocation, and its event, soon after that moment, as it writes that
 * a key has expired. The former functions stay for instances of the former release.
 */
import type { Names } from "../names.ts"
import { placeEvents } from "./0017_events_have_positions.ts"

const columns = (n: Names): ReadonlyArray<string> => [
  `alter table ${n.stream_keys}
    add column revokes_at timestamptz(3),
    add column rotated_to uuid,
    add column rotated_from uuid,
    add column blocked_path text,
    add column blocked_until timestamptz(3),
    add constraint a_block_is_whole check ((blocked_path is null) = (blocked_until is null)) not valid,
    add constraint a_rotation_has_an_end check (rotated_to is null or revokes_at is not null or revoked_at is not null) not valid`,
  `create index stream_keys_to_revoke on ${n.stream_keys} (revokes_at)
    where revokes_at is not null and revoked_at is null and admits_until is null`,
  // The last takeovers of a key.
  `create index streams_superseded on ${n.streams} (stream_key_id, stop_requested_at desc) where stop_reason = 'superseded'`
]

const rules = (n: Names): ReadonlyArray<string> => [
  // The domain's `whyInvalid`.
  `create function ${n.why_key_invalid}(
    revoked_at timestamptz, revokes_at timestamptz, expires_at timestamptz, enabled boolean, at timestamptz
  ) returns text
    language sql immutable parallel safe
    return case
      when revoked_at is not null or revokes_at <= at then 'revoked'
      when expires_at <= at then 'expired'
      when not enabled then 'disabled'
    end`,

  // As `supersede_others`, also for the key that this one was rotated from, on the path. Nothing when the key was taken over since `last_seen`.
  `create function ${n.supersede_sessions}(
    of_key uuid, former_key uuid, newcomer text, on_path text, of_own boolean, last_seen timestamptz
  ) returns boolean language plpgsql volatile as $$
  begin
    if of_own and exists (
      select from ${n.streams}
      where stream_key_id = of_key and stop_reason = 'superseded' and stop_requested_at > coalesce(last_seen, '-infinity')
    ) then
      return false;
    end if;
    with old as (
      update ${n.streams} set stop_reason = 'superseded', stop_requested_at = clock_timestamp(), last_seq = last_seq + 1
      where ended_at is null and stop_reason is null and not (media_server = 'main' and source_id = newcomer)
        and ((of_own and stream_key_id = of_key) or (stream_key_id = former_key and media_server = 'main' and path = on_path))
      returning id, last_seq, stop_requested_at
    )
    insert into ${n.stream_events} (stream_id, seq, type, at, data)
    select id, last_seq, 'stop_requested', stop_requested_at, '{"reason":"superseded"}' from old;
    return true;
  end $$`
]

/**
 * Rotates a key in one call. The broadcaster's row is locked first, as when a key is issued: a key of a deleted broadcaster gets no successor. The
 * ids of both keys begin alike, so both have one ingest path; it is the broadcaster's already, so no other key is looked for.
 */
export const rotation = (n: Names): ReadonlyArray<string> => [
  `create function ${n.rotate_stream_key}(
    old_id uuid, new_id uuid, key_hash bytea, prefix text, overlap_seconds integer,
    out why text, out other uuid, out issued ${n.stream_keys}
  ) language plpgsql volatile as $$
  declare
    at timestamptz;
    owner uuid;
    former ${n.stream_keys};
  begin
    select broadcaster_id into owner from ${n.stream_keys} where id = old_id and admits_until is null;
    perform from ${n.broadcasters} where id = owner and deleted_at is null for share;
    select * into former from ${n.stream_keys} where id = old_id and admits_until is null for no key update;
    if not found then
      why := 'not_found';
      return;
    end if;
    at := clock_timestamp();
    why := nullif(${n.why_key_invalid}(former.revoked_at, former.revokes_at, former.expires_at, former.enabled, at), 'disabled');
    if why is null and former.rotated_to is not null then
      why := 'rotated';
      other := former.rotated_to;
    end if;
    if why is null then
      select k.id into other from ${n.stream_keys} k where k.id = former.rotated_from
        and coalesce(${n.why_key_invalid}(k.revoked_at, k.revokes_at, k.expires_at, k.enabled, at), 'disabled') = 'disabled';
      if found then
        why := 'overlap';
      end if;
    end if;
    if why is not null then
      return;
    end if;
    insert into ${n.stream_keys} (id, broadcaster_id, hash, key_prefix, label, path, enabled, expires_at, created_at,
      owns_ingest_path, rotated_from, blocked_path, blocked_until)
    values (new_id, former.broadcaster_id, key_hash, prefix, former.label, former.path, former.enabled, former.expires_at, at,
      former.owns_ingest_path, former.id, former.blocked_path, former.blocked_until)
    returning * into issued;
    update ${n.stream_keys} set
      rotated_to = new_id,
      revoked_at = case when overlap_seconds = 0 then at end,
      revokes_at = case when overlap_seconds > 0 then at + make_interval(secs => overlap_seconds) end
    where id = old_id;
  end $$`
]

export const events = (n: Names): ReadonlyArray<string> => [
  `create or replace function ${n.key_image}(k ${n.stream_keys}) returns jsonb language sql stable as $$
    select jsonb_build_object(
      'id', k.id, 'broadcaster_id', k.broadcaster_id, 'key_prefix', k.key_prefix, 'label', k.label, 'path', k.path,
      'enabled', k.enabled, 'created_at', k.created_at, 'expires_at', k.expires_at, 'revoked_at', k.revoked_at,
      'revokes_at', k.revokes_at, 'rotated_to', k.rotated_to, 'rotated_from', k.rotated_from,
      'blocked_path', k.blocked_path, 'blocked_until', k.blocked_until,
      'last_used_at', greatest(
        (select max(s.started_at) from ${n.streams} s where s.stream_key_id = k.id),
        (select u.last_started_at from ${n.pruned_key_uses} u where u.stream_key_id = k.id)
      ),
      'active_stream_id', (
        select s.id from ${n.streams} s where s.stream_key_id = k.id and ${n.occupies_key_and_path}(s.ended_at, s.stop_reason)
      )
    )
  $$`,
  `create or replace function ${n.key_writes_its_events}() returns trigger language plpgsql as $$
  declare
    event text := case
      when tg_op = 'INSERT' then 'key.created'
      when old.revoked_at is null and new.revoked_at is not null then 'key.revoked'
      when old.expired_event_at is null and new.expired_event_at is not null then 'key.expired'
      when (new.label, new.expires_at, new.enabled, new.rotated_to, new.blocked_path, new.blocked_until) is distinct from
        (old.label, old.expires_at, old.enabled, old.rotated_to, old.blocked_path, old.blocked_until) then 'key.changed'
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
  `create or replace trigger key_writes_its_events
    after insert or update of label, expires_at, enabled, revoked_at, expired_event_at, rotated_to, blocked_path, blocked_until on ${n.stream_keys}
    for each row when (new.admits_until is null) execute function ${n.key_writes_its_events}()`
]

/** As before, but first it revokes the keys whose overlap has ended. `revoked_at` is the moment that was promised, not that of this call. */
export const placing = (n: Names): string =>
  placeEvents(n)
    .replace("create function", "create or replace function")
    .replace(
      "    placed := 0;",
      `    update ${n.stream_keys} set revoked_at = revokes_at where id = any(array(
      select id from ${n.stream_keys}
      where revokes_at <= clock_timestamp() and revokes_at is not null and revoked_at is null and admits_until is null
      order by revokes_at limit most for no key update skip locked
    ));

    placed := 0;`
    )

export const statements = (n: Names): ReadonlyArray<string> => [
  ...columns(n),
  ...rules(n),
  ...rotation(n),
  ...events(n),
  placing(n)
]
