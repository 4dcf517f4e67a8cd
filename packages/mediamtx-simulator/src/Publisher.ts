/** The clients of a `Simulator`: what they bring, and what a test can do with them once they are connected. */
import type { Protocol, Track, ViewerProtocol } from "@greenroom/core"
import type { Duration, Effect } from "effect"
import type { Credentials } from "./AuthQuestion.ts"
import type { CloseReason } from "./World.ts"

export interface ClientOptions extends Credentials {
  readonly protocol: Protocol
  readonly path: string
  /** Drawn when it is not given. */
  readonly id?: string
  /** Admitted without an auth call: a publisher from before auth was configured. */
  readonly unasked?: boolean
}

export interface ReadOptions extends Omit<ClientOptions, "protocol"> {
  readonly protocol: ViewerProtocol
  readonly ip?: string
  /** Shows MediaMTX's `hlsCDNSecret`: it is not asked about. (Real CDNs share one session a path.) */
  readonly isCdn?: boolean
}

export interface PublishOptions extends ClientOptions {
  readonly tracks?: ReadonlyArray<Track>
  /** Another time from admission to ready than the protocol's. */
  readonly readyAfter?: Duration.Input
  /** Stops after its admission: an RTSP ANNOUNCE without RECORD, or a handshake that is never finished. */
  readonly stall?: boolean
}

export interface Connected {
  /** In its protocol's list, on its path and in a kick; an RTSP session's own. */
  readonly id: string
  /** In its auth call: up to 1.19.2 that of the RTSP client's TCP connection. Everything outside the adapter goes by this one. */
  readonly authId: string
  readonly protocol: ViewerProtocol
  readonly path: string
  /** The answer of its auth; `false` when the server went away first. */
  readonly admitted: Effect.Effect<boolean>
  /** When it has left its list, and why. */
  readonly closed: Effect.Effect<CloseReason>
  /** Leaves cleanly. An HLS player only asks no more, and stays listed for 30 to 40 s. */
  readonly drop: Effect.Effect<void>
}

/** A viewer. Its id is that of `readers`, of its list and of its kick. */
export interface Reader extends Connected {
  /** Its process is killed. */
  readonly kill: Effect.Effect<void>
  /** It, or the network to it, stands still; `thaw` ends that. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

export interface Publisher extends Reader {
  readonly protocol: Protocol
  /** `true` when its path is ready, `false` when it left before that. */
  readonly ready: Effect.Effect<boolean>
  /** RTSP PAUSE and RECORD. */
  readonly pause: Effect.Effect<void>
  readonly record: Effect.Effect<void>
}

/** H264 and AAC in the real one's words. */
export const defaultTracks: ReadonlyArray<Track> = [
  { codec: "H264", width: 160, height: 90, profile: "Baseline", level: "1.1" },
  { codec: "MPEG-4 Audio", sampleRate: 44100, channelCount: 1 }
]
