/**
 * The owner of an ingest path, as a condition in SQL. The rule is the domain's `ingestPath`; the column is generated from the same
 * rule in SQL.
 */

/** Whether the key `other` owns its ingest path: the condition of the index `stream_keys_by_ingest_path`. */
export const ownsIngestPath = "other.revoked_at is null and other.admits_until is null and other.owns_ingest_path"
