/**
 * A key's ingest path belongs to its broadcaster, also when the key is not limited to it. `ingest_path` is the domain's `ingestPath`.
 * Where two broadcasters had one ingest path before this migration, it stays as it was: an exact limit owns the path, a default does
 * not, so that the upgrade takes no publisher off the air. New keys own theirs: issuing prevents a second owner.
 * The index `stream_keys_by_path` stays: instances of the former release may run beside this one for a while, and read it in each of
 * their admissions.
 */
const claims = "k.revoked_at is null and k.admits_until is null"

export const statements: ReadonlyArray<string> = [
  `create function ingest_path(path_limit text, key_id uuid) returns text
    language sql immutable parallel safe
    return case
      when path_limit is null then 'live/' || left(key_id::text, 8)
      when right(path_limit, 3) = '/**' then left(path_limit, -2) || left(key_id::text, 8)
      when right(path_limit, 2) = '/*' then left(path_limit, -1) || left(key_id::text, 8)
      else path_limit
    end`,
  `alter table stream_keys
    add column ingest_path text not null generated always as (ingest_path(path, id)) stored,
    add column owns_ingest_path boolean not null default true`,
  `update stream_keys k set owns_ingest_path = false
    from (
      select ingest_path from stream_keys k where ${claims}
      group by ingest_path having count(distinct broadcaster_id) > 1
    ) shared
    where ${claims} and k.ingest_path = shared.ingest_path and k.path is distinct from k.ingest_path`,
  `create index stream_keys_by_ingest_path on stream_keys (ingest_path)
    where revoked_at is null and admits_until is null and owns_ingest_path`
]
