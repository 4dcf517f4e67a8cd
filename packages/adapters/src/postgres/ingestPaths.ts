/** Whose path it is, for the statements that ask. The rule is the domain's `ingestPath`; the column is generated from its twin in SQL. */

/** Whether the key that is `other` owns its ingest path: the condition of the index `stream_keys_by_ingest_path`. */
export const ownsIngestPath = "other.revoked_at is null and other.admits_until is null and other.owns_ingest_path"
