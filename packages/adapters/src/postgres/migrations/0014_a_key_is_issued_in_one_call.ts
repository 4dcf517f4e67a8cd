/**
 * Issues a stream key in one call: one way to the server and one commit, where a transaction of two statements takes four ways. Each
 * statement of a volatile function has a snapshot of its own. So the search for another owner, after the lock, sees what the lock's
 * last holder has written. `issued` is null when nothing was written; `known` and `past` are why.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create function ${n.issue_stream_key}(
    key_id uuid, owner_id uuid, key_hash bytea, prefix text, key_label text, path_limit text, expiry timestamptz, own_path text
  ) returns table (known boolean, past boolean, issued ${n.stream_keys}) language plpgsql volatile as $$
  declare
    at timestamptz;
  begin
    perform pg_advisory_xact_lock(hashtextextended(own_path, 0));
    perform from ${n.broadcasters} where id = owner_id and deleted_at is null for share;
    known := found;
    at := clock_timestamp();
    past := coalesce(expiry <= at, false);
    if known and not past and not exists (
      select from ${n.stream_keys} other
      where other.ingest_path = own_path and other.revoked_at is null and other.admits_until is null
        and other.owns_ingest_path and other.broadcaster_id <> owner_id
    ) then
      insert into ${n.stream_keys} (id, broadcaster_id, hash, key_prefix, label, path, expires_at, created_at)
      values (key_id, owner_id, key_hash, prefix, key_label, path_limit, expiry, at)
      returning * into issued;
    end if;
    return next;
  end $$`
]
