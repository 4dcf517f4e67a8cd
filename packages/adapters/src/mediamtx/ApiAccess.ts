/** The parts through which every call to the control API goes. */
import type { MediaServerUnavailable } from "@greenroom/core"
import type { Effect } from "effect"
import type { ControlApi } from "./ControlApi.ts"
import type { PathItem } from "./ControlApiSchema.ts"
import type { RtspIds } from "./RtspIds.ts"
import type { Identify } from "./RunningServer.ts"
import type { Lists } from "./routes.ts"

export interface ApiAccess {
  readonly api: ControlApi
  readonly lists: Lists
  /** The list of paths. The same value (`===`) while the answer is the same. */
  readonly paths: Effect.Effect<ReadonlyArray<PathItem>, MediaServerUnavailable>
  readonly rtspIds: RtspIds
  readonly identify: Identify
}
