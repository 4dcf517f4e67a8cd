/**
 * Streams over MoQ. The new check is added without reading the table, and not validated, which would hold the table's lock for a whole scan: what
 * the old check let in, the new one lets in.
 */
const known = "protocol in ('rtmp', 'rtmps', 'rtsp', 'rtsps', 'srt', 'webrtc', 'moq')"

export const statements: ReadonlyArray<string> = [
  `alter table streams add constraint streams_protocol_is_known check (${known}) not valid`,
  `alter table streams drop constraint streams_protocol_check`
]
