/** How many workers may be at work at once, and how they reach the media server. */
import { Context } from "effect"
import type { WorkerAddresses } from "../domain/workers/workerUrls.ts"

export class WorkerSettings extends Context.Service<
  WorkerSettings,
  WorkerAddresses & {
    /** At least 1. */
    readonly max: number
  }
>()("greenroom/WorkerSettings") {}
