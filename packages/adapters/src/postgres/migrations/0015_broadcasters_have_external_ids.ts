/**
 * A broadcaster may have an id of the host application's. It is unique among those that are not deleted, so that a host that removes
 * a broadcaster and has the account again gets a new one. `upsert` names the index's condition.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `alter table ${n.broadcasters} add column external_id text check (char_length(external_id) between 1 and 255)`,
  `create unique index broadcasters_external_id on ${n.broadcasters} (external_id) where deleted_at is null`
]
