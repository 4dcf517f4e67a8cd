/** The broadcasters and their keys. Of a key only the hash and the public beginning are stored. */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create table ${n.broadcasters} (
    id uuid primary key,
    display_name text not null,
    contact text,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp(),
    deleted_at timestamptz(3)
  )`,
  `create index broadcasters_newest_first on ${n.broadcasters} (created_at desc, id desc) where deleted_at is null`,

  `create table ${n.stream_keys} (
    id uuid primary key,
    broadcaster_id uuid not null references ${n.broadcasters} (id),
    hash bytea not null unique check (octet_length(hash) = 32),
    key_prefix text not null check (char_length(key_prefix) <= 7),
    label text,
    path text,
    enabled boolean not null default true,
    created_at timestamptz(3) not null default clock_timestamp(),
    expires_at timestamptz(3),
    revoked_at timestamptz(3)
  )`,
  `create index stream_keys_newest_first on ${n.stream_keys} (created_at desc, id desc)`,
  `create index stream_keys_of_broadcaster on ${n.stream_keys} (broadcaster_id, created_at desc, id desc)`,
  `create index stream_keys_by_path on ${n.stream_keys} (path) where revoked_at is null and path is not null`,

  // The limit's grammar: a path, one more segment below it (a/*), anything below it (a/**), or no limit.
  `create function ${n.path_within}(path_limit text, path text) returns boolean
    language sql immutable parallel safe
    return case
      when path_limit is null then true
      when right(path_limit, 3) = '/**' then
        starts_with(path, left(path_limit, -2)) and length(path) > length(path_limit) - 2
      when right(path_limit, 2) = '/*' then
        starts_with(path, left(path_limit, -1)) and length(path) > length(path_limit) - 1
        and strpos(substr(path, length(path_limit)), '/') = 0
      else path = path_limit
    end`
]
