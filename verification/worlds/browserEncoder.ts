/** A headless Chromium that publishes its fake camera over WHIP. */
import { browserPage } from "./browser.ts"
import type { Target } from "./Target.ts"

export { browserBinary } from "./browser.ts"

/** It is over when the server refuses, or when ICE has lost its peer. */
const script = `
  const { url, bearer, codec } = settings
  const peer = new RTCPeerConnection()
  peer.onconnectionstatechange = () => {
    if (["disconnected", "failed", "closed"].includes(peer.connectionState)) over(peer.connectionState)
  }
  for (const track of (await media()).getTracks()) {
    const transceiver = peer.addTransceiver(track, { direction: "sendonly" })
    const { codecs } = RTCRtpSender.getCapabilities(track.kind)
    if (track.kind === "video") transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === "video/" + codec))
  }
  await peer.setLocalDescription(await peer.createOffer())
  await new Promise((resolve) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve()
    setTimeout(resolve, 1000)
  })
  const authorization = { Authorization: "Bearer " + bearer }
  const headers = { ...authorization, "Content-Type": "application/sdp" }
  const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp })
  if (answer.status !== 201) over("HTTP " + answer.status)
  else {
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() })
    await stopped
    const session = new URL(answer.headers.get("location"), url)
    await fetch(session, { method: "DELETE", headers: authorization })
    peer.close()
    over("stopped")
  }`

export type VideoCodec = "H264" | "VP8"

/** H264, which HLS can carry, by default. */
export const browserEncoder = ({ url, bearer }: Target, codec: VideoCodec = "H264") =>
  browserPage({ protocol: "webrtc", script, settings: { url, bearer, codec } })
