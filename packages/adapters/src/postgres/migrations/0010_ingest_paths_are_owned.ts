/**
 * A key's ingest path belongs to its broadcaster, even when the key is not limited to it. `ingest_path` is the domain's `ingestPath`.
 * Two broadcasters may have had one ingest path before this migration. Then a key whose limit is exactly that path owns it. A key
 * with a default path does not, so that the upgrade stops no publisher. A new key owns its path: issuing prevents a second
 * owner. The index `stream_keys_by_path` stays, because instances of the former release may run beside this one and use it in
 * each admission.
 */
import type { Names } from "../names.ts"

const claims = "k.revoked_at is null and k.admits_until is null"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create function ${n.ingest_path}(path_limit text, key_id uuid) returns text
    language sql immutable parallel safe
    return case
      when path_limit is null then 'live/' || left(key_id::text, 8)
      when right(path_limit, 3) = '/**' then left(path_limit, -2) || left(key_id::text, 8)
      when right(path_limit, 2) = '/*' then left(path_limit, -1) || left(key_id::text, 8)
      else path_limit
    end`,
  `alter table ${n.stream_keys}
    add column ingest_path text not null generated always as (${n.ingest_path}(path, id)) stored,
    add column owns_ingest_path boolean not null default true`,
  `update ${n.stream_keys} k set owns_ingest_path = false
    from (
      select ingest_path from ${n.stream_keys} k where ${claims}
      group by ingest_path having count(distinct broadcaster_id) > 1
    ) shared
    where ${claims} and k.ingest_path = shared.ingest_path and k.path is distinct from k.ingest_path`,
  `create index stream_keys_by_ingest_path on ${n.stream_keys} (ingest_path)
    where revoked_at is null and admits_until is null and owns_ingest_path`
]
