/** The examples of answers that show what a call has done, by operation and status: the requests' examples, carried out. */
import { broadcasterExample } from "../api/BroadcastersApi.ts"
import { keyExample } from "../api/streamKeySchemas.ts"
import { streamDetailsExample } from "../api/streamSchemas.ts"

export const answerExamples: Readonly<Record<string, unknown>> = {
  "broadcasters.change 200": { ...broadcasterExample, contact: null, updated_at: "2026-11-21T01:40:00.000Z" },
  "stream_keys.change 200": { ...keyExample, status: "disabled", active_stream_id: null },
  "stream_keys.revoke 202": { ...keyExample, status: "revoked", revoked_at: "2026-11-21T01:34:41.000Z" },
  "streams.annotate 200": {
    ...streamDetailsExample,
    title: "Evening service",
    recording_ref: "s3://recordings/2026/11/21/studio-1.mp4"
  },
  "streams.stop 202": {
    ...streamDetailsExample,
    ending: { reason: "stopped", requested_at: "2026-11-21T01:34:41.000Z" }
  }
}
