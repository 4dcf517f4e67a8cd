/**
 * Streams over MoQ. The new check is not validated, because that would hold the table's lock for a whole scan. It is not needed:
 * every row that passed the old check passes the new one.
 */
import type { Names } from "../names.ts"

const known = "protocol in ('rtmp', 'rtmps', 'rtsp', 'rtsps', 'srt', 'webrtc', 'moq')"

export const statements = (n: Names): ReadonlyArray<string> => [
  `alter table ${n.streams} add constraint streams_protocol_is_known check (${known}) not valid`,
  `alter table ${n.streams} drop constraint streams_protocol_check`
]
