/** The public addresses that a configuration makes: each protocol's own, else those behind the one public URL, else the fallback. */
import { endpointsBehind, type PublicEndpoints } from "@greenroom/core"
import type { Variables } from "../config/Settings.ts"

export const addressesFrom = (settings: Variables, fallback: PublicEndpoints): PublicEndpoints => {
  const behindProxy =
    settings.MEDIAMTX_PUBLIC_URL === undefined ? fallback : endpointsBehind(settings.MEDIAMTX_PUBLIC_URL)
  return {
    hls: settings.PUBLIC_HLS_URL ?? behindProxy.hls,
    webrtc: settings.PUBLIC_WEBRTC_URL ?? behindProxy.webrtc,
    rtmp: settings.PUBLIC_RTMP_URL ?? behindProxy.rtmp,
    rtsp: settings.PUBLIC_RTSP_URL ?? behindProxy.rtsp,
    srt: settings.PUBLIC_SRT_URL ?? behindProxy.srt
  }
}
