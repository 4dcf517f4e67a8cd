/** The tables. Times are milliseconds since the epoch, objects are JSON. The unique indexes hold what no two admissions may break. */
export const schema = `
create table if not exists store (id integer primary key check (id = 1), version integer not null) strict;
insert or ignore into store values (1, 0);

create table if not exists broadcasters (
  id text primary key,
  external_id text,
  display_name text not null,
  contact text,
  metadata text not null,
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
  admits_until integer
) strict;
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
  enforce_until integer
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
`
