/**
 * What writes the event log: triggers, in the transaction of the change, so no change comes without its event. Its `data` is the row as the change
 * has left it, which `events.ts` reads as it reads the table. SQLite has one writer at a time, so positions become visible in their order.
 */
import { streamEventName } from "@greenroom/core"

/** Expressions of SQL. */
interface Event {
  readonly type: string
  readonly subject: string
  readonly data: string
  /** Of which changes: without it of each. */
  readonly when?: string
  readonly at?: string
  readonly streamSeq?: string
  readonly broadcaster?: string
}

/** `store.now` is the time of the transaction. */
const write = ({ type, subject, data, when = "true", at = "now", streamSeq = "null", broadcaster = "null" }: Event) => `
  insert into events (type, at, subject, stream_seq, broadcaster_id, data)
  select ${type}, ${at}, ${subject}, ${streamSeq}, ${broadcaster}, ${data} from store where ${when};`

const after = (change: string, ...events: ReadonlyArray<Event>) => `
create trigger if not exists "events after ${change}" after ${change} begin ${events.map(write).join("")}
end;`

/** Columns of a row as JSON. */
const image = (row: string, columns: string) =>
  `json_object(${columns
    .split(" ")
    .map((column) => `'${column}', ${row}.${column}`)
    .join(", ")})`

const BROADCASTER = "id external_id display_name contact metadata playback created_at updated_at"
const STREAM = `id stream_key_id broadcaster_id path protocol source_id title description metadata recording_ref started_at ready_at \
source_type stop_reason stop_requested_at kicked_at ended_at end_reason tracks viewer_count inbound_bytes state_as_of`
const KEY = `id key_prefix broadcaster_id label path playback enabled created_at expires_at revoked_at revokes_at \
rotated_to rotated_from blocked_path blocked_until last_used_at`
const WORKER = `id record_id state reason attempt input_stream_id output_stream_id mark retry_at created_at state_since updated_at`

/** Who may watch the stream of the key `k` of the broadcaster `b`: a worker's key has the policy of its source. */
export const PLAYBACK =
  "coalesce(k.playback, (select x.playback from stream_keys x where x.id = k.source_key_id), b.playback)"

const transition: Event = {
  type: `case new.type ${Object.entries(streamEventName)
    .map(([type, name]) => `when '${type}' then '${name}'`)
    .join(" ")} end`,
  subject: "'stream:' || new.stream_id",
  at: "new.at",
  streamSeq: "new.seq",
  broadcaster: "(select broadcaster_id from streams where id = new.stream_id)",
  data: `(select json_object('stream', json_insert(${image("s", STREAM)}, '$.playback', ${PLAYBACK}), 'broadcaster', ${image("b", BROADCASTER)})
    from streams s join broadcasters b on b.id = s.broadcaster_id join stream_keys k on k.id = s.stream_key_id where s.id = new.stream_id)`
}

/** Workers' keys have no events. */
const key = (event: Pick<Event, "type" | "at"> & { readonly when?: string }): Event => ({
  ...event,
  subject: "'key:' || new.id",
  broadcaster: "new.broadcaster_id",
  when: `new.admits_until is null and ${event.when ?? "true"}`,
  data: `json_insert(${image("new", KEY)}, '$.active_stream_id', (select id from streams
    where stream_key_id = new.id and ended_at is null and stop_reason is not 'superseded'),
    '$.broadcaster_name', (select display_name from broadcasters where id = new.broadcaster_id),
    '$.broadcaster_deleted', (select deleted_at is not null from broadcasters where id = new.broadcaster_id))`
})

const broadcaster = (event: Pick<Event, "type" | "when">): Event => ({
  ...event,
  subject: "'broadcaster:' || new.id",
  broadcaster: "new.id",
  data: image("new", BROADCASTER)
})

const WORKER_EVENT = `case new.state when 'running' then 'worker.started' when 'retrying' then 'worker.retrying'
  when 'stopped' then 'worker.stopped' when 'failed' then 'worker.failed' end`
const worker = (when: string): Event => ({
  type: WORKER_EVENT,
  when: `${WORKER_EVENT} is not null and ${when}`,
  subject: "'worker:' || new.id",
  data: image("new", WORKER)
})

const mediaServer = (event: Pick<Event, "type" | "when">): Event => ({
  ...event,
  subject: "'media_server:main'",
  data: "json_object('id', 'main', 'reachable', json(iif(new.reachable, 'true', 'false')), 'started', new.started)"
})

export const eventTriggers = [
  after("insert on stream_events", transition),
  after("insert on stream_keys", key({ type: "'key.created'" })),
  after(
    "update on stream_keys",
    key({
      type: "'key.changed'",
      when: `(old.revoked_at is not null or new.revoked_at is null)
        and (new.label, new.expires_at, new.enabled, new.playback, new.rotated_to, new.blocked_path, new.blocked_until)
        is not (old.label, old.expires_at, old.enabled, old.playback, old.rotated_to, old.blocked_path, old.blocked_until)`
    }),
    key({ type: "'key.revoked'", at: "new.revoked_at", when: "old.revoked_at is null and new.revoked_at is not null" }),
    key({
      type: "'key.expired'",
      at: "new.expires_at",
      when: "old.expired_event_at is null and new.expired_event_at is not null"
    })
  ),
  after("insert on broadcasters", broadcaster({ type: "'broadcaster.created'" })),
  after(
    "update on broadcasters",
    broadcaster({ type: "'broadcaster.created'", when: "old.deleted_at is not null and new.deleted_at is null" }),
    broadcaster({ type: "'broadcaster.changed'", when: "new.version <> old.version" }),
    broadcaster({ type: "'broadcaster.deleted'", when: "old.deleted_at is null and new.deleted_at is not null" })
  ),
  after("insert on workers", worker("true")),
  after("update on workers", worker("new.state <> old.state")),
  after(
    "update on lease",
    mediaServer({
      type: "iif(new.reachable, 'media_server.reachable', 'media_server.unreachable')",
      when: "new.reachable is not old.reachable"
    }),
    mediaServer({ type: "'media_server.restarted'", when: "old.started <> new.started" })
  ),
  after("update on webhook_endpoints", {
    type: "'webhook_endpoint.disabled'",
    subject: "'webhook_endpoint:' || new.id",
    when: "old.disabled_reason is null and new.disabled_reason is not null",
    data: "json_object('id', new.id, 'url', new.url, 'reason', new.disabled_reason)"
  })
].join("")
