/**
 * API tokens, and the audit log. Entries of the log are appended in the transaction of what they tell of; a trigger refuses every change, and
 * every deletion but pruning's.
 */
import type { Names } from "../names.ts"

const tokens = (n: Names): ReadonlyArray<string> => [
  // `last_used_at` is updated once a minute: there is room for new versions in the page, and no index has it.
  `create table ${n.api_tokens} (
    id uuid primary key,
    hash bytea not null unique check (octet_length(hash) = 32),
    name text not null check (length(name) between 1 and 100),
    scopes text[] not null check (cardinality(scopes) > 0),
    broadcaster_id uuid references ${n.broadcasters},
    created_at timestamptz(3) not null,
    expires_at timestamptz(3),
    last_used_at timestamptz(3)
  ) with (fillfactor = 70)`,
  `create index api_tokens_newest_first on ${n.api_tokens} (created_at desc, id desc)`,

  // One call authenticates, and records the use at most once in `step_ms`; of several calls at once one records it, and none waits.
  `create function ${n.authenticate_api_token}(sent_hash bytea, sent_id uuid, step_ms integer) returns setof ${n.api_tokens} language plpgsql volatile as $$
  declare
    now constant timestamptz := clock_timestamp();
    found_token ${n.api_tokens};
  begin
    select t.* into found_token from ${n.api_tokens} t
    where (t.hash = sent_hash or t.id = sent_id) and (t.expires_at is null or t.expires_at > now)
      and not exists (select from ${n.broadcasters} b where b.id = t.broadcaster_id and b.deleted_at is not null);
    if not found then
      return;
    end if;
    if found_token.last_used_at is null or found_token.last_used_at <= now - step_ms * interval '1 millisecond' then
      update ${n.api_tokens} t set last_used_at = now
      where t.id = (select u.id from ${n.api_tokens} u where u.id = found_token.id for no key update skip locked)
      returning t.last_used_at into found_token.last_used_at;
      if not found then
        found_token.last_used_at := now;
      end if;
    end if;
    return next found_token;
  end $$`
]

const audit = (n: Names): ReadonlyArray<string> => [
  `create sequence ${n.quotedSchema}.audit_log_ids as bigint cache 1`,
  // An increasing id, so that entries of the same millisecond keep their order.
  `create table ${n.audit_log} (
    id uuid primary key default ('00000000-0000-4000-8000-' || lpad(to_hex(nextval('${n.quotedSchema}.audit_log_ids')), 12, '0'))::uuid,
    at timestamptz(3) not null default clock_timestamp(),
    actor_type text not null check (actor_type in ('secret', 'token', 'application', 'unknown')),
    actor_id uuid,
    actor_name text,
    claimed_actor text,
    action text not null check (length(action) <= 100),
    resource_type text not null,
    resource_id text check (length(resource_id) <= 1000),
    broadcaster_id uuid,
    before jsonb,
    after jsonb,
    details jsonb,
    outcome text not null check (outcome in ('succeeded', 'refused', 'failed')),
    reason text,
    address text,
    user_agent text check (length(user_agent) <= 1000),
    request_id text,
    constraint a_token_is_named check ((actor_type = 'token') = (actor_id is not null))
  )`,
  `create index audit_log_newest_first on ${n.audit_log} (at desc, id desc)`,
  `create index audit_log_by_resource on ${n.audit_log} (resource_id, at desc, id desc) where resource_id is not null`,
  `create index audit_log_by_broadcaster on ${n.audit_log} (broadcaster_id, at desc, id desc) where broadcaster_id is not null`,

  `create function ${n.audit_log_is_kept}() returns trigger language plpgsql as $$
  begin
    if tg_op = 'DELETE' and current_setting('greenroom.pruning', true) = 'on' then
      return null;
    end if;
    raise exception 'the audit log is only appended to' using errcode = 'restrict_violation';
  end $$`,
  `create trigger audit_log_is_kept before update or delete or truncate on ${n.audit_log}
    for each statement execute function ${n.audit_log_is_kept}()`,

  `create function ${n.prune_audit_log}(keep_days integer, at_most integer) returns integer language plpgsql volatile as $$
  declare
    cutoff constant timestamptz := clock_timestamp() - keep_days * interval '24 hours';
    gone integer;
  begin
    if keep_days < 1 or at_most < 1 then
      raise exception 'the audit log is kept for a day at least' using errcode = 'check_violation';
    end if;
    perform set_config('greenroom.pruning', 'on', true);
    delete from ${n.audit_log} where id in (
      select id from ${n.audit_log} where at < cutoff order by at, id limit at_most for update skip locked
    );
    get diagnostics gone = row_count;
    perform set_config('greenroom.pruning', 'off', true);
    return gone;
  end $$`
]

export const statements = (n: Names): ReadonlyArray<string> => [...tokens(n), ...audit(n)]
