/**
 * Webhook endpoints, one row each: what it is, how far it is in the event log, and which instance delivers to it. A subject of which an event has
 * failed is one row; nothing is written per waiting event. The event of a disabled endpoint is written by a trigger, as those of other resources.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  // Updated four times a second while events are delivered: there is room for new versions in the page, and no index has a column of these.
  `create table ${n.webhook_endpoints} (
    id uuid primary key,
    url text not null check (length(url) between 1 and 2048),
    types text[] check (cardinality(types) > 0),
    broadcaster_id uuid,
    description text check (length(description) <= 500),
    enabled boolean not null,
    disabled_reason text check (disabled_reason in ('gone', 'failing')),
    secret bytea not null check (octet_length(secret) <= 512),
    previous_secret bytea check (octet_length(previous_secret) <= 512),
    previous_until timestamptz(3),
    position bigint not null check (position >= 0),
    failing_since timestamptz(3),
    stop_attempt integer check (stop_attempt > 0),
    next_attempt_at timestamptz(3),
    revision integer not null default 1,
    generation integer not null default 1,
    leases bigint not null default 0,
    holder text,
    lease_until timestamptz(3),
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint an_enabled_endpoint_has_no_reason check (not enabled or disabled_reason is null),
    constraint a_stop_is_whole check ((stop_attempt is null) = (next_attempt_at is null)),
    constraint a_lease_is_whole check ((holder is null) = (lease_until is null)),
    constraint a_previous_secret_ends check ((previous_secret is null) = (previous_until is null))
  ) with (fillfactor = 50)`,

  `create table ${n.webhook_held_subjects} (
    endpoint_id uuid not null references ${n.webhook_endpoints} on delete cascade,
    subject text not null,
    position bigint not null,
    attempt integer not null check (attempt >= 0),
    next_at timestamptz(3) not null,
    primary key (endpoint_id, subject)
  ) with (fillfactor = 70)`,

  `create sequence ${n.quotedSchema}.webhook_delivery_ids as bigint cache 1`,
  // An increasing id, so that records of the same millisecond keep their order.
  `create table ${n.webhook_deliveries} (
    id uuid primary key default ('00000000-0000-4000-8000-' || lpad(to_hex(nextval('${n.quotedSchema}.webhook_delivery_ids')), 12, '0'))::uuid,
    endpoint_id uuid not null references ${n.webhook_endpoints} on delete cascade,
    event_id text not null,
    type text not null,
    position bigint not null,
    subject text not null,
    attempt integer not null check (attempt > 0),
    outcome text not null check (outcome in ('delivered', 'retrying', 'failed')),
    response_status integer,
    duration_ms double precision not null,
    next_attempt_at timestamptz(3),
    answer text not null,
    at timestamptz(3) not null
  )`,
  `create index webhook_deliveries_newest_first on ${n.webhook_deliveries} (endpoint_id, at desc, id desc)`,
  `create index webhook_deliveries_to_prune on ${n.webhook_deliveries} (endpoint_id, (outcome = 'delivered'), at desc, id desc)`,
  // Rows are written and deleted all the time, and there are few.
  `alter table ${n.webhook_deliveries} set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000)`,

  `create function ${n.webhook_endpoint_writes_its_event}() returns trigger language plpgsql as $$
  begin
    insert into ${n.event_log} (type, at, subject, data) values (
      'webhook_endpoint.disabled', clock_timestamp(), 'webhook_endpoint:' || new.id,
      jsonb_build_object('id', new.id, 'url', new.url, 'reason', new.disabled_reason)
    );
    return null;
  end $$`,
  `create trigger webhook_endpoint_writes_its_event after update of disabled_reason on ${n.webhook_endpoints}
    for each row when (old.disabled_reason is null and new.disabled_reason is not null)
    execute function ${n.webhook_endpoint_writes_its_event}()`
]
