/** Pruning finds old workers and unused keys by these indexes, however many keys have a stream and stay. */
export const statements: ReadonlyArray<string> = [
  `create index worker_keys_by_time on stream_keys (admits_until) where admits_until is not null`,
  `create index workers_over on workers (state_since desc, id desc)
    where pid is null and (state = 'stopped' or (state = 'failed' and input_stream_id is null))`
]
