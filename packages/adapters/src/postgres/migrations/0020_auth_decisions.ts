/**
 * The decision log: the last answers to auth calls. It refers to no other table and no table refers to it, so that it may be pruned, or emptied, at any
 * time. Rows are written once, counted up while the same decision is given again, and deleted after some thousands of others.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  // No index has the columns that are counted up, and there is room for new versions in the page.
  `create table ${n.auth_decisions} (
    id uuid primary key,
    at timestamptz(3) not null,
    last_at timestamptz(3) not null,
    count integer not null check (count > 0),
    action text not null,
    path text,
    protocol text,
    ip text,
    user_agent text,
    outcome text not null,
    reason text,
    rule text not null,
    detail text not null,
    facts jsonb,
    key_prefix text,
    stream_key_id uuid,
    stream_id uuid,
    broadcaster_id uuid,
    instance text not null,
    constraint only_who_is_let_in_has_no_reason check ((outcome = 'allow') = (reason is null))
  ) with (fillfactor = 80)`,
  // The only index: filters look at ten thousand rows at most.
  `create index auth_decisions_newest_first on ${n.auth_decisions} (at desc, id desc)`,
  `alter table ${n.auth_decisions} set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000)`
]
