/** Beside the lease: what the last complete snapshot showed, and until when a request to kick all unauthorized publishers stands. */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `alter table ${n.leases}
    add column looked_at timestamptz(3),
    add column found jsonb,
    add column enforce_until timestamptz(3),
    add constraint a_look_found_something check ((looked_at is null) = (found is null))`
]
