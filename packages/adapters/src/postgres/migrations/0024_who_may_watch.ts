/**
 * Who may watch: policies of keys and broadcasters, playback tokens, the keys that they are signed with, and the viewers that are watching. The
 * new columns are added without a default and their checks without looking at the rows, so no lock lasts. The former functions stay for
 * instances of the former release; what is replaced keeps its parameters.
 */
import type { Names } from "../names.ts"
import { eventTypes } from "./0017_events_have_positions.ts"
import { events, placing, rotation } from "./0023_keys_are_rotated_and_blocked.ts"

const viewerEventTypes = [
  "viewer.joined",
  "viewer.left",
  "viewer.refused",
  "playback_token.revoked",
  "viewer.revoked",
  "signing_key.created",
  "signing_key.rotated",
  "signing_key.removed"
]

const isPolicy = "check (playback in ('public', 'token')) not valid"

const columns = (n: Names): ReadonlyArray<string> => [
  // `source_key_id`: of a worker's key, the key of what the worker reads. That one may be pruned before it.
  `alter table ${n.stream_keys}
    add column playback text,
    add column source_key_id uuid,
    add constraint a_key_has_a_policy ${isPolicy}`,
  // Of workers that run already: a few rows, each found by its id.
  `update ${n.stream_keys} k set source_key_id = i.stream_key_id
    from ${n.workers} w join ${n.streams} o on o.id = w.output_stream_id join ${n.streams} i on i.id = w.input_stream_id
    where k.id = o.stream_key_id and k.admits_until is not null and o.ended_at is null`,
  `alter table ${n.broadcasters} add column playback text, add constraint a_broadcaster_has_a_policy ${isPolicy}`
]

/** Of the key `k` of the broadcaster `b`: its own, that of its source where it is a worker's, else that of the broadcaster. */
export const playbackOf = (n: Names): string =>
  `coalesce(k.playback, case when k.source_key_id is not null then (select x.playback from ${n.stream_keys} x where x.id = k.source_key_id) end, b.playback)`

/** A statement of a former migration with something more in it. */
const changed = (statement: string, ...replacements: ReadonlyArray<readonly [before: string, after: string]>): string =>
  replacements.reduce((text, [before, after]) => {
    if (text.split(before).length !== 2) throw new Error(`expected once: ${before}`)
    return text.replace(before, () => after)
  }, statement)

const keys = (n: Names): ReadonlyArray<string> => [
  // As `issue_stream_key`, with a policy.
  `create function ${n.issue_key}(
    key_id uuid, owner_id uuid, key_hash bytea, prefix text, key_label text, path_limit text, expiry timestamptz, own_path text, policy text
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
      insert into ${n.stream_keys} (id, broadcaster_id, hash, key_prefix, label, path, expires_at, created_at, playback)
      values (key_id, owner_id, key_hash, prefix, key_label, path_limit, expiry, at, policy)
      returning * into issued;
    end if;
    return next;
  end $$`,
  ...rotation(n).map((statement) =>
    changed(
      statement,
      ["create function", "create or replace function"],
      ["rotated_from, blocked_path, blocked_until)", "rotated_from, blocked_path, blocked_until, playback)"],
      ["former.blocked_path, former.blocked_until)", "former.blocked_path, former.blocked_until, former.playback)"]
    )
  )
]

/** As of migration 0023, with the policies. */
const images = (n: Names): ReadonlyArray<string> => {
  const [keyImage = "", writer = "", trigger = ""] = events(n)
  return [
    changed(keyImage, ["'enabled', k.enabled,", "'enabled', k.enabled, 'playback', k.playback,"]),
    changed(
      writer,
      [
        "new.blocked_path, new.blocked_until) is distinct from",
        "new.blocked_path, new.blocked_until, new.playback) is distinct from"
      ],
      ["old.blocked_path, old.blocked_until) then", "old.blocked_path, old.blocked_until, old.playback) then"]
    ),
    changed(trigger, ["blocked_path, blocked_until on", "blocked_path, blocked_until, playback on"]),
    `create or replace function ${n.broadcaster_image}(b ${n.broadcasters}) returns jsonb language sql stable as $$
    select jsonb_build_object(
      'id', b.id, 'external_id', b.external_id, 'display_name', b.display_name, 'contact', b.contact, 'metadata', b.metadata,
      'playback', b.playback, 'created_at', b.created_at, 'updated_at', b.updated_at
    )
  $$`,
    changed(
      placing(n),
      ["'title', s.title,", `'title', s.title, 'playback', ${playbackOf(n)}, 'broadcaster_playback', b.playback,`],
      [
        `cross join lateral (select * from ${n.broadcasters} where id = s.broadcaster_id offset 0) b`,
        `cross join lateral (select * from ${n.broadcasters} where id = s.broadcaster_id offset 0) b
      cross join lateral (select playback, source_key_id from ${n.stream_keys} where id = s.stream_key_id offset 0) k`
      ]
    ),
    // Not looked at in what is there: it has other types.
    `alter table ${n.event_log} drop constraint event_log_type_check,
    add constraint event_log_type_check check (type in (${[...eventTypes, ...viewerEventTypes].map((type) => `'${type}'`).join(", ")})) not valid`
  ]
}

/** Ids are texts, compared byte by byte, so that a list has one order in every database. */
const tables = (n: Names): ReadonlyArray<string> => [
  `create table ${n.playback_tokens} (
    id text collate "C" primary key check (length(id) <= 64),
    issuer text not null check (issuer in ('greenroom', 'application')),
    signing_key_id text collate "C" not null,
    covers text not null check (covers in ('path', 'stream', 'broadcaster', 'pattern')),
    covered text not null,
    broadcaster_id uuid,
    viewer_id text collate "C",
    actions text[] not null check (cardinality(actions) > 0),
    max_sessions integer check (max_sessions > 0),
    ips text[] not null,
    metadata jsonb not null check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz(3) not null,
    not_before timestamptz(3),
    expires_at timestamptz(3) not null,
    revoked_at timestamptz(3)
  )`,
  `create index playback_tokens_newest_first on ${n.playback_tokens} (created_at desc, id desc)`,
  `create index playback_tokens_by_viewer on ${n.playback_tokens} (viewer_id, created_at desc, id desc) where viewer_id is not null`,
  `create index playback_tokens_by_broadcaster on ${n.playback_tokens} (broadcaster_id, created_at desc, id desc) where broadcaster_id is not null`,
  `create index playback_tokens_revoked on ${n.playback_tokens} (expires_at) where revoked_at is not null`,
  `create index playback_tokens_by_expiry on ${n.playback_tokens} (expires_at)`,
  `create index playback_tokens_by_signing_key on ${n.playback_tokens} (signing_key_id)`,

  `create table ${n.viewer_revocations} (
    viewer_id text collate "C" not null,
    broadcaster_id uuid,
    at timestamptz(3) not null,
    until timestamptz(3),
    constraint one_revocation_a_viewer_and_broadcaster unique nulls not distinct (viewer_id, broadcaster_id)
  )`,

  // A removed key stays without its private half, so that its id is not given again.
  `create table ${n.signing_keys} (
    id text collate "C" primary key,
    issuer text not null check (issuer in ('greenroom', 'application')),
    public_key text not null,
    private_key bytea,
    created_at timestamptz(3) not null,
    verifies_until timestamptz(3),
    removed_at timestamptz(3),
    constraint only_the_key_that_signs_has_its_private_half check (
      (private_key is not null) = (issuer = 'greenroom' and verifies_until is null and removed_at is null)
    )
  )`,
  `create unique index one_key_signs on ${n.signing_keys} (issuer) where private_key is not null`,

  `create table ${n.viewers} (
    id text collate "C" primary key,
    protocol text not null,
    path text not null,
    stream_id uuid,
    broadcaster_id uuid,
    viewer_id text collate "C",
    ip text,
    user_agent text,
    since timestamptz(3) not null,
    token_grant jsonb,
    is_cdn boolean not null
  )`,
  ...["path", "stream_id", "viewer_id", "broadcaster_id"].map(
    (column) =>
      `create index viewers_by_${column} on ${n.viewers} (${column}, since desc, id desc) where ${column} is not null`
  ),
  `create index viewers_newest_first on ${n.viewers} (since desc, id desc)`,
  // Rows come and go: a vacuum when a fifth has changed is too late.
  `alter table ${n.viewers} set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000)`
]

/** What is locked comes last. */
export const statements = (n: Names): ReadonlyArray<string> => [...tables(n), ...columns(n), ...keys(n), ...images(n)]
