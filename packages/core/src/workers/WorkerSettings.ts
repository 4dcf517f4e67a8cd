/** Whether this deployment has workers, and how many of them may be at work at once. */
import { Context } from "effect"
import type { WorkerAddresses } from "../domain/workers/workerUrls.ts"

/** While it is true, only workers may publish on `live/<id>/out`. */
export const WorkersOn = Context.Reference<boolean>("greenroom/WorkersOn", { defaultValue: () => false })

export class WorkerSettings extends Context.Service<
  WorkerSettings,
  WorkerAddresses & {
    /** At least 1. */
    readonly max: number
  }
>()("greenroom/WorkerSettings") {}
