/** Beside the lease: what the last complete snapshot showed, and until when a request to kick all unauthorized publishers stands. */
export const statements: ReadonlyArray<string> = [
  `alter table leases
    add column looked_at timestamptz(3),
    add column found jsonb,
    add column enforce_until timestamptz(3),
    add constraint a_look_found_something check ((looked_at is null) = (found is null))`
]
