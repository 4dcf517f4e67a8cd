/**
 * Every list is read by an index in its own order, so that a page costs the same however long the history is. A stream has its
 * broadcaster's id: a foreign key ensures that it is the broadcaster of its key. Each rare status of keys has an index.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `alter table ${n.stream_keys} add constraint stream_keys_with_broadcaster unique (id, broadcaster_id)`,
  `alter table ${n.streams} add column broadcaster_id uuid`,
  `update ${n.streams} s set broadcaster_id = k.broadcaster_id from ${n.stream_keys} k where k.id = s.stream_key_id`,
  `alter table ${n.streams} alter column broadcaster_id set not null`,
  `alter table ${n.streams}
    drop constraint streams_stream_key_id_fkey,
    add constraint streams_are_of_a_key_and_its_broadcaster
      foreign key (stream_key_id, broadcaster_id) references ${n.stream_keys} (id, broadcaster_id)`,
  `create index streams_of_broadcaster on ${n.streams} (broadcaster_id, started_at desc, id desc)`,
  `create index streams_of_broadcaster_on_path on ${n.streams} (broadcaster_id, path, started_at desc, id desc)`,
  `create index streams_of_key_on_path on ${n.streams} (stream_key_id, path, started_at desc, id desc)`,

  `create index stream_keys_revoked on ${n.stream_keys} (created_at desc, id desc) where revoked_at is not null`,
  `create index stream_keys_unrevoked on ${n.stream_keys} (created_at desc, id desc) where revoked_at is null`,
  `create index stream_keys_expiring on ${n.stream_keys} (created_at desc, id desc)
    where revoked_at is null and expires_at is not null`,
  `create index stream_keys_disabled on ${n.stream_keys} (created_at desc, id desc) where revoked_at is null and not enabled`
]
