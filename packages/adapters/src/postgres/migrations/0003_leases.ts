/** The lease of each media server: its holder, its end, and the media server's `started` in the last complete pass. */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create table ${n.leases} (
    media_server text primary key,
    holder text not null,
    until timestamptz(3) not null,
    started text
  )`
]
