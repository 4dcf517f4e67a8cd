/**
 * Rules that several statements ask, each stated once. Each has a twin in the domain (`whyInvalid`, `occupiesKeyAndPath`), and one test holds the two
 * together. They are plain expressions, which PostgreSQL puts into the statement: an index serves as if the rule stood there.
 */
export const statements: ReadonlyArray<string> = [
  `create function why_invalid(revoked_at timestamptz, expires_at timestamptz, enabled boolean, at timestamptz) returns text
    language sql immutable parallel safe
    return case
      when revoked_at is not null then 'revoked'
      when expires_at <= at then 'expired'
      when not enabled then 'disabled'
    end`,
  `create function occupies_key_and_path(ended_at timestamptz, stop_reason text) returns boolean
    language sql immutable parallel safe
    return ended_at is null and stop_reason is distinct from 'superseded'`
]
