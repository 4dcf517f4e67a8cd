/** The tables. Times are milliseconds since the epoch, objects are JSON. The unique indexes hold what no two admissions may break. */
import { eventTriggers } from "./eventTriggers.ts"

/** `store`: what each transaction writes. `now` is its time, `log` the id of the event log. */
export const schema = `
create table if not exists store (
  id integer primary key check (id = 1),
  version integer not null default 0,
  now integer not null default 0,
  log text not null default (lower(hex(randomblob(8))))
) strict;
insert or ignore into store (id) values (1);

create table if not exists events (
  position integer primary key autoincrement,
  id text not null default ('evt_' || lower(hex(randomblob(16)))),
  type text not null,
  at integer not null,
  subject text not null,
  stream_seq integer,
  broadcaster_id text,
  data text not null
) strict;
create trigger if not exists events_do_not_change before update on events begin
  select raise(abort, 'events do not change');
end;

create table if not exists api_tokens (
  id text primary key,
  hash blob not null unique,
  name text not null,
  scopes text not null,
  broadcaster_id text,
  created_at integer not null,
  expires_at integer,
  last_used_at integer
) strict;

create table if not exists audit_log (
  seq integer primary key autoincrement,
  at integer not null,
  actor text not null,
  claimed_actor text,
  action text not null,
  resource_type text not null,
  resource_id text,
  broadcaster_id text,
  before text,
  after text,
  details text,
  outcome text not null,
  reason text,
  origin text not null
) strict;
create index if not exists audit_log_newest_first on audit_log (at desc, seq desc);
create trigger if not exists audit_entries_do_not_change before update on audit_log begin
  select raise(abort, 'audit entries do not change');
end;

create table if not exists broadcasters (
  id text primary key,
  external_id text,
  display_name text not null,
  contact text,
  metadata text not null,
  playback text,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer,
  version integer not null
) strict;
create unique index if not exists one_broadcaster_an_external_id on broadcasters (external_id) where deleted_at is null;

create table if not exists stream_keys (
  id text primary key,
  hash blob not null unique,
  key_prefix text not null,
  broadcaster_id text not null references broadcasters,
  label text,
  path text,
  ingest_path text not null,
  enabled integer not null default 1,
  created_at integer not null,
  expires_at integer,
  revoked_at integer,
  last_used_at integer,
  admits_until integer,
  expired_event_at integer,
  revokes_at integer,
  rotated_to text,
  rotated_from text,
  blocked_path text,
  blocked_until integer,
  playback text,
  source_key_id text
) strict;
create index if not exists stream_keys_to_revoke on stream_keys (revokes_at)
  where revokes_at is not null and revoked_at is null and admits_until is null;
create index if not exists stream_keys_to_expire on stream_keys (expires_at)
  where expired_event_at is null and revoked_at is null and admits_until is null;
create index if not exists stream_keys_by_broadcaster on stream_keys (broadcaster_id);
create index if not exists stream_keys_by_ingest_path on stream_keys (ingest_path) where revoked_at is null;

create table if not exists streams (
  id text primary key,
  stream_key_id text not null references stream_keys,
  broadcaster_id text not null references broadcasters,
  path text not null,
  protocol text,
  source_id text not null unique,
  title text,
  description text,
  metadata text not null default '{}',
  recording_ref text,
  started_at integer not null,
  ready_at integer,
  source_type text,
  stop_reason text,
  stop_requested_at integer,
  kicked_at integer,
  ended_at integer,
  end_reason text,
  tracks text not null default '[]',
  viewer_count integer not null default 0,
  inbound_bytes integer not null default 0,
  earlier_bytes integer not null default 0,
  state_as_of integer,
  version integer not null
) strict;
create unique index if not exists one_session_a_key on streams (stream_key_id)
  where ended_at is null and stop_reason is not 'superseded';
create unique index if not exists one_session_a_path on streams (path)
  where ended_at is null and stop_reason is not 'superseded';
create index if not exists open_streams on streams (started_at) where ended_at is null;
create index if not exists streams_by_key on streams (stream_key_id);
create index if not exists streams_superseded on streams (stream_key_id, stop_requested_at desc) where stop_reason = 'superseded';
create index if not exists streams_by_broadcaster on streams (broadcaster_id);

create table if not exists stream_events (
  stream_id text not null references streams on delete cascade,
  seq integer not null,
  type text not null,
  at integer not null,
  data text not null,
  primary key (stream_id, seq)
) strict;

create table if not exists lease (
  id integer primary key check (id = 1),
  holder text not null default '',
  until integer not null default 0,
  started text,
  looked_at integer,
  found text,
  enforce_until integer,
  reachable integer
) strict;
insert or ignore into lease (id) values (1);

create table if not exists workers (
  id text primary key,
  record_id text not null,
  state text not null,
  reason text,
  attempt integer not null,
  input_stream_id text,
  output_stream_id text,
  mark text,
  retry_at integer,
  created_at integer not null,
  state_since integer not null,
  updated_at integer not null
) strict;

create table if not exists pruned_usage (
  broadcaster_id text not null,
  day text not null,
  by_worker integer not null,
  streams integer not null,
  seconds real not null,
  bytes integer not null,
  primary key (broadcaster_id, day, by_worker)
) strict;

create table if not exists playback_tokens (
  id text primary key,
  issuer text not null,
  signing_key_id text not null,
  coverage text not null,
  broadcaster_id text,
  viewer_id text,
  actions text not null,
  max_sessions integer,
  ips text not null,
  metadata text not null,
  created_at integer not null,
  not_before integer,
  expires_at integer not null,
  revoked_at integer
) strict;
create index if not exists playback_tokens_newest_first on playback_tokens (created_at desc, id desc);
create index if not exists playback_tokens_by_viewer on playback_tokens (viewer_id, created_at desc, id desc);
create index if not exists playback_tokens_by_broadcaster on playback_tokens (broadcaster_id, created_at desc, id desc);
create index if not exists playback_tokens_revoked on playback_tokens (expires_at) where revoked_at is not null;
create index if not exists playback_tokens_by_expiry on playback_tokens (expires_at);

create table if not exists viewer_revocations (
  viewer_id text not null,
  broadcaster_id text,
  at integer not null,
  until integer
) strict;
create unique index if not exists one_revocation_a_viewer_and_broadcaster on viewer_revocations (viewer_id, coalesce(broadcaster_id, ''));

create table if not exists signing_keys (
  id text primary key,
  issuer text not null,
  public_key text not null,
  private_key blob,
  created_at integer not null,
  verifies_until integer,
  removed_at integer
) strict;
create unique index if not exists one_key_signs on signing_keys (issuer) where private_key is not null;

create table if not exists viewers (
  id text primary key,
  protocol text not null,
  path text not null,
  stream_id text,
  broadcaster_id text,
  viewer_id text,
  ip text,
  user_agent text,
  since integer not null,
  token_grant text,
  is_cdn integer not null
) strict;
create index if not exists viewers_by_path on viewers (path, since desc, id desc);
create index if not exists viewers_by_stream_id on viewers (stream_id, since desc, id desc);
create index if not exists viewers_by_viewer_id on viewers (viewer_id, since desc, id desc);
create index if not exists viewers_by_broadcaster_id on viewers (broadcaster_id, since desc, id desc);

create table if not exists auth_decisions (
  id text primary key,
  at integer not null,
  last_at integer not null,
  count integer not null,
  path text,
  ip text,
  outcome text not null,
  reason text,
  key_prefix text,
  broadcaster_id text,
  content text not null
) strict;
create index if not exists auth_decisions_newest_first on auth_decisions (at, id);

create table if not exists webhook_endpoints (
  id text primary key,
  url text not null,
  types text,
  broadcaster_id text,
  description text,
  enabled integer not null,
  disabled_reason text,
  secret blob not null,
  previous_secret blob,
  previous_until integer,
  position integer not null,
  failing_since integer,
  stop_attempt integer,
  next_attempt_at integer,
  revision integer not null default 1,
  generation integer not null default 1,
  leases integer not null default 0,
  holder text,
  lease_until integer not null default 0,
  created_at integer not null,
  updated_at integer not null
) strict;

create table if not exists webhook_held_subjects (
  endpoint_id text not null references webhook_endpoints on delete cascade,
  subject text not null,
  position integer not null,
  attempt integer not null,
  next_at integer not null,
  primary key (endpoint_id, subject)
) strict;

create table if not exists webhook_deliveries (
  nth integer primary key autoincrement,
  id text not null generated always as (printf('00000000-0000-4000-8000-%012x', nth)),
  endpoint_id text not null references webhook_endpoints on delete cascade,
  event_id text not null,
  type text not null,
  position integer not null,
  subject text not null,
  attempt integer not null,
  outcome text not null,
  response_status integer,
  duration_ms real not null,
  next_attempt_at integer,
  answer text not null,
  at integer not null
) strict;
create index if not exists webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id, nth);
${eventTriggers}
`
