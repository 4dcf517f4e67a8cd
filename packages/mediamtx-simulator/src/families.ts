/** The families of all protocols, HLS among them, over which there are viewers alone. */
import { type Family, familyOf as ingestFamilyOf, saysPublishEarly, type ViewerProtocol } from "@greenroom/core"

export const familyOf = (protocol: ViewerProtocol): Family | "hls" =>
  protocol === "hls" ? "hls" : ingestFamilyOf(protocol)

export const isRtspProtocol = (protocol: ViewerProtocol): boolean => familyOf(protocol) === "rtsp"

/** Whether a session's state, and its path, are those of its request before its auth was asked. */
export const showsStateEarly = (protocol: ViewerProtocol): boolean => protocol !== "hls" && saysPublishEarly(protocol)
