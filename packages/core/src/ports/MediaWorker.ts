/**
 * What works on a stream: reads it at one URL and publishes its product at another. Ours runs a command; embedders may do it in any
 * other way. Laws:
 * - `run` ends when the work has ended, with the reason in a sentence without credentials; it never fails;
 * - interrupting `run` stops the work, and ends only when nothing of it is left or nothing more can be done about it: within 10 s;
 * - work does not outlive this process, or `started` gets where to find it, so that a successor can `end` it;
 * - `end` ends what a former instance left on this machine, and nothing else: a mark whose process has gone, or whose pid is another
 *   process by now, is `gone`; a mark of another machine, or a process that our user may not end, is `elsewhere`.
 */
import { Context, type Effect, type Redacted } from "effect"
import type { PipelineId } from "../domain/workers/PipelinePath.ts"
import type { ProcessRef } from "../domain/workers/WorkerRecord.ts"

export interface WorkerOrder {
  readonly id: PipelineId
  /** `rtsp://worker:<key>@…/live/<id>/in?worker=<the key's id>`; the key is good for reading as long as it is for publishing. */
  readonly input: Redacted.Redacted<string>
  /** `rtsp://worker:<key>@…/live/<id>/out`; the key is good for one publisher, who must come within seconds. */
  readonly output: Redacted.Redacted<string>
  /** The same over RTMP; only one of the two can be used. */
  readonly rtmpOutput: Redacted.Redacted<string>
}

export class MediaWorker extends Context.Service<
  MediaWorker,
  {
    /** `started` is run once there is something to find; not at all by a worker that has no process. */
    readonly run: (order: WorkerOrder, started: (mark: ProcessRef) => Effect.Effect<void>) => Effect.Effect<string>
    readonly end: (mark: ProcessRef) => Effect.Effect<"ended" | "gone" | "elsewhere">
  }
>()("greenroom/MediaWorker") {}

/** While it is true, only workers may publish on `live/<id>/out`. */
export const WorkersOn = Context.Reference<boolean>("greenroom/WorkersOn", { defaultValue: () => false })
