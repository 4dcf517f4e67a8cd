/**
 * Streams over MoQ. The new check is added without reading the table, then validated beside reads and writes: what the old one let in,
 * the new one lets in.
 */
const known = "protocol in ('rtmp', 'rtmps', 'rtsp', 'rtsps', 'srt', 'webrtc', 'moq')"

export const statements: ReadonlyArray<string> = [
  `alter table streams add constraint streams_protocol_is_known check (${known}) not valid`,
  `alter table streams drop constraint streams_protocol_check`,
  `alter table streams validate constraint streams_protocol_is_known`
]
