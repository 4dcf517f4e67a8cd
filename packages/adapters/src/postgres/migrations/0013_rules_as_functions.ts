/**
 * Rules that several statements use, each defined once. The domain has the same rules (`whyInvalid`, `occupiesKeyAndPath`), and
 * one test compares both. PostgreSQL inlines these expressions into the statement, so that indexes apply.
 */
import type { Names } from "../names.ts"

export const statements = (n: Names): ReadonlyArray<string> => [
  `create function ${n.why_invalid}(revoked_at timestamptz, expires_at timestamptz, enabled boolean, at timestamptz) returns text
    language sql immutable parallel safe
    return case
      when revoked_at is not null then 'revoked'
      when expires_at <= at then 'expired'
      when not enabled then 'disabled'
    end`,
  `create function ${n.occupies_key_and_path}(ended_at timestamptz, stop_reason text) returns boolean
    language sql immutable parallel safe
    return ended_at is null and stop_reason is distinct from 'superseded'`
]
