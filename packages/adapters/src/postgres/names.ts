/**
 * The names of everything that Greenroom has in the database, qualified by its schema. No statement and no function depends on a
 * `search_path`: in a host that has a table `streams` of its own, an unqualified name would mean that one. A name is made once for each
 * client, and stands in a text (`${names.streams}`) as well as in a statement's template, where it is a fragment.
 */
import * as Statement from "effect/sql/Statement"

/** The tables, each with columns that it has had since it was created: the move recognizes it by them. */
export const tables = {
  broadcasters: ["id", "display_name", "contact", "metadata", "deleted_at"],
  stream_keys: ["id", "broadcaster_id", "hash", "key_prefix", "revoked_at"],
  streams: ["id", "stream_key_id", "media_server", "source_id", "stop_requested_at", "end_reason", "last_seq"],
  stream_events: ["stream_id", "seq", "type", "at", "data"],
  leases: ["media_server", "holder", "until", "started"],
  workers: ["id", "pipeline", "input_stream_id", "process_started", "holder"],
  pruned_usage: ["broadcaster_id", "day", "by_worker", "streams", "seconds", "bytes"],
  pruned_key_uses: ["stream_key_id", "last_started_at"],
  event_log: ["log_id", "id", "position", "type", "subject", "stream_seq", "data"],
  event_head: ["singleton", "log", "position", "oldest", "origin"],
  webhook_endpoints: ["id", "url", "types", "secret", "position", "revision", "lease_until"],
  webhook_held_subjects: ["endpoint_id", "subject", "position", "attempt", "next_at"],
  webhook_deliveries: ["id", "endpoint_id", "event_id", "outcome", "response_status", "answer"],
  api_tokens: ["id", "hash", "name", "scopes", "broadcaster_id", "last_used_at"],
  audit_log: ["id", "at", "actor_type", "action", "resource_id", "before", "after", "outcome"],
  playback_tokens: ["id", "signing_key_id", "covers", "covered", "viewer_id", "actions", "expires_at", "revoked_at"],
  viewer_revocations: ["viewer_id", "broadcaster_id", "at", "until"],
  signing_keys: ["id", "issuer", "public_key", "private_key", "verifies_until", "removed_at"],
  viewers: ["id", "protocol", "path", "stream_id", "since", "token_grant"],
  auth_decisions: ["id", "at", "last_at", "count", "outcome", "rule", "facts", "key_prefix", "instance"]
} as const

export const views = ["usage_by_day"] as const

/** The functions, each with the types of its parameters. */
export const functions = {
  path_within: "text, text",
  ingest_path: "text, uuid",
  why_invalid: "timestamptz, timestamptz, boolean, timestamptz",
  occupies_key_and_path: "timestamptz, text",
  why_key_invalid: "timestamptz, timestamptz, timestamptz, boolean, timestamptz",
  is_of_worker: "uuid",
  supersede_others: "uuid, text",
  supersede_sessions: "uuid, uuid, text, text, boolean, timestamptz",
  rotate_stream_key: "uuid, uuid, bytea, text, integer",
  issue_stream_key: "uuid, uuid, bytea, text, text, text, timestamptz, text",
  issue_key: "uuid, uuid, bytea, text, text, text, timestamptz, text, text",
  prune_history: "integer, integer",
  history_is_kept: "",
  stream_is_kept: "",
  event_is_kept: "",
  stream_moves_forward: "",
  stream_has_its_event: "",
  event_has_its_change: "",
  pruned_streams_leave_their_usage: "",
  log_origin: "",
  stream_event_is_placed_once: "",
  event_is_placed_once: "",
  key_image: "stream_keys",
  key_writes_its_events: "",
  broadcaster_image: "broadcasters",
  broadcaster_writes_its_events: "",
  worker_writes_its_events: "",
  media_server_writes_its_events: "",
  place_events: "integer",
  prune_events: "integer, integer",
  renew_event_log: "",
  webhook_endpoint_writes_its_event: "",
  authenticate_api_token: "bytea, uuid, integer",
  audit_log_is_kept: "",
  prune_audit_log: "integer, integer"
} as const

/** The migrations that were run, by number. Releases without a schema of their own had it in `public`, under the same name. */
const MIGRATIONS = "greenroom_migrations"

export type Table = keyof typeof tables
export type Function = keyof typeof functions
type Known = Table | (typeof views)[number] | Function | typeof MIGRATIONS

/** A qualified name. */
export interface Name extends Statement.Fragment {
  readonly toString: () => string
}

export type Names = { readonly [N in Known]: Name } & {
  readonly schema: string
  /** The schema's name, quoted. */
  readonly quotedSchema: string
}

export const DEFAULT_SCHEMA = "greenroom"

/** Lower case, so that the name is the same quoted and unquoted; 63 bytes are what PostgreSQL keeps of a name. */
const isName = (schema: string) => /^[a-z_][a-z0-9_]{0,62}$/.test(schema)

/** PostgreSQL's own. */
const isReserved = (schema: string) => schema.startsWith("pg_") || schema === "information_schema"

export const SCHEMA_EXPECTED =
  "a schema's name of 1 to 63 small letters, digits and _, not beginning with a digit or pg_, such as greenroom"

export const isSchemaName = (schema: string): boolean => isName(schema) && !isReserved(schema)

const name = (text: string): Name => ({ ...Statement.fragment([Statement.literal(text)]), toString: () => text })

/** Throws when the schema's name is refused. Quoted, because a schema may be called `user`. */
export const namesIn = (schema: string = DEFAULT_SCHEMA): Names => {
  if (!isSchemaName(schema)) throw new Error(`The database's schema is refused: expected ${SCHEMA_EXPECTED}`)
  const quotedSchema = `"${schema}"`
  const known = [...Object.keys(tables), ...views, ...Object.keys(functions), MIGRATIONS] as ReadonlyArray<Known>
  const names = Object.fromEntries(known.map((each) => [each, name(`${quotedSchema}.${each}`)]))
  return { ...(names as { readonly [N in Known]: Name }), schema, quotedSchema }
}
