/**
 * The media server, as far as Greenroom needs it: take a snapshot, ask for one source, kick. Laws:
 * - `snapshot` is complete or fails; it holds every connection of every protocol that is on, and every path with a publisher;
 * - a source's id is that of its auth call, whatever id the media server's lists have for it;
 * - `find` answers "gone" only when the media server itself answered so for this id; silence and other errors are failures. An id that
 *   the last two snapshots showed on a path is not gone because no list has it;
 * - after `kick` the media server has been asked to close the connection; the next snapshot shows whether it did;
 * - a snapshot whose calls got no answer repeats them while there is time, so that it succeeds soon after the server answers again;
 * - of one process, a kick of an RTSP session never runs beside another call about RTSP sessions; every call ends within its deadline, and
 *   only a snapshot repeats calls. A caller that is interrupted is let go at once, except from `resetPath`: a reset that was begun is completed, so that
 *   no half of it stays (MediaMTX: two steps of 2.5 s at most, longer than a lease lasts; what is left of it then is the path's own
 *   configuration, no RTSP call).
 */
import { Context, type Effect, Schema } from "effect"
import type { MediaServerFacts } from "../domain/reconciliation/MediaServerFacts.ts"
import type { MediaServerSnapshot } from "../domain/reconciliation/MediaServerSnapshot.ts"
import type { EnabledProtocols } from "../domain/streams/PlaybackUrls.ts"
import type { Protocol, Source } from "../domain/streams/Protocol.ts"
import type { ViewerDescription, ViewerProtocol, ViewerRef } from "../domain/viewers/Viewer.ts"

export class MediaServerUnavailable extends Schema.TaggedError<MediaServerUnavailable>()("MediaServerUnavailable", {
  /** `absent`: none is configured. `unreachable`: no answer in time. `refused`: it answered that we may not. `nonsense`: anything else. */
  reason: Schema.Literals(["absent", "unreachable", "refused", "nonsense"]),
  /** What was asked: `GET /v3/paths/list`. */
  operation: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.operation}: ${this.reason}: ${this.detail}`
  }
}

export class MediaServer extends Context.Service<
  MediaServer,
  {
    readonly snapshot: Effect.Effect<MediaServerSnapshot, MediaServerUnavailable>
    /**
     * A snapshot for a caller that expects no change but of what stands in the given lists alone. The list of paths and these are read. The
     * lists of the other protocols may be those of earlier snapshots of the same process, while it shows the same publishers of theirs on its paths: up
     * to 3 s old where a publisher may be in a list before it is on a path, up to 10 s old otherwise.
     */
    readonly recheck: (lists: ReadonlySet<Protocol>) => Effect.Effect<MediaServerSnapshot, MediaServerUnavailable>
    /** Whether the source's id is still known to its protocol. */
    readonly find: (source: Source) => Effect.Effect<"present" | "gone", MediaServerUnavailable>
    readonly kick: (source: Source) => Effect.Effect<"kicked" | "gone", MediaServerUnavailable>
    /** One viewer's session. A WHEP, RTSP or HLS session has its id from its auth call on. */
    readonly findViewer: (viewer: ViewerRef) => Effect.Effect<ViewerDescription | "gone", MediaServerUnavailable>
    /** All sessions of the protocol that read a path. Empty where the media server has no such list (HLS before 1.18). */
    readonly viewersOf: (
      protocol: ViewerProtocol
    ) => Effect.Effect<ReadonlyArray<ViewerDescription>, MediaServerUnavailable>
    readonly kickViewer: (viewer: ViewerRef) => Effect.Effect<"kicked" | "gone", MediaServerUnavailable>
    /** Rids a path of a publisher that no list shows and no kick reaches. Its neighbours do not notice. */
    readonly resetPath: (path: string) => Effect.Effect<void, MediaServerUnavailable>
    /** Which protocols are on, as far as it was ever learnt; everything before that. Answers from memory. */
    readonly enabled: Effect.Effect<EnabledProtocols>
    /** The facts that were read last; `null` before that. Answers from memory. */
    readonly facts: Effect.Effect<MediaServerFacts | null>
    /** The facts, read now: for a kick of a publisher that perhaps was never asked about. `null`: those of this process could not be read. */
    readonly factsNow: Effect.Effect<MediaServerFacts | null>
    /** Whether the last call that mattered was answered; `absent` when no media server is configured. */
    readonly health: Effect.Effect<"ok" | "unreachable" | "absent">
  }
>()("greenroom/MediaServer") {}
