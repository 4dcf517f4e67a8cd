/**
 * Streams over MoQ. The new check is not validated, because that would hold the table's lock for a whole scan. It is not needed:
 * every row that passed the old check passes the new one.
 */
const known = "protocol in ('rtmp', 'rtmps', 'rtsp', 'rtsps', 'srt', 'webrtc', 'moq')"

export const statements: ReadonlyArray<string> = [
  `alter table streams add constraint streams_protocol_is_known check (${known}) not valid`,
  `alter table streams drop constraint streams_protocol_check`
]
