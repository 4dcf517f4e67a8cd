/** Pruning finds old workers and unused keys by these indexes, however many keys have a stream and stay. */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create index worker_keys_by_time on ${n.stream_keys} (admits_until) where admits_until is not null`,
  `create index workers_over on ${n.workers} (state_since desc, id desc)
    where pid is null and (state = 'stopped' or (state = 'failed' and input_stream_id is null))`
]
