/**
 * The media workers, one row for each pipeline, and their keys. A key with `admits_until` belongs to a worker and admits one
 * connection until then. It does not count as a key of its broadcaster, so the indexes of the broadcasters' keys exclude it.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `alter table ${n.stream_keys} add column admits_until timestamptz(3),
    add constraint worker_keys_have_one_path check (admits_until is null or (path is not null and expires_at is null))`,

  `drop index ${n.quotedSchema}.stream_keys_newest_first`,
  `drop index ${n.quotedSchema}.stream_keys_of_broadcaster`,
  `drop index ${n.quotedSchema}.stream_keys_by_path`,
  `create index stream_keys_newest_first on ${n.stream_keys} (created_at desc, id desc) where admits_until is null`,
  `create index stream_keys_of_broadcaster on ${n.stream_keys} (broadcaster_id, created_at desc, id desc) where admits_until is null`,
  `create index stream_keys_by_path on ${n.stream_keys} (path)
    where revoked_at is null and path is not null and admits_until is null`,
  // Deleting a broadcaster revokes all of its keys.
  `create index worker_keys_of_broadcaster on ${n.stream_keys} (broadcaster_id) where admits_until is not null`,

  `create table ${n.workers} (
    id uuid primary key default gen_random_uuid(),
    pipeline text not null unique check (pipeline ~ '^[A-Za-z0-9_-]{1,128}$'),
    state text not null check (state in ('idle', 'connecting', 'running', 'retrying', 'stopped', 'failed')),
    reason text,
    attempt integer not null check (attempt >= 0),
    input_stream_id uuid,
    output_stream_id uuid,
    retry_at timestamptz(3),
    host text,
    pid integer,
    process_started text,
    holder text not null,
    created_at timestamptz(3) not null,
    state_since timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint a_process_is_marked_whole check ((host is null) = (pid is null) and (pid is null) = (process_started is null))
  ) with (fillfactor = 70)`,
  `create index workers_newest_first on ${n.workers} (created_at desc, id desc)`
]
