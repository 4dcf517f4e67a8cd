/** The parts through which every call to the control API goes. */
import type { ControlApi } from "./ControlApi.ts"
import type { RtspIds } from "./RtspIds.ts"
import type { Identify } from "./RunningServer.ts"
import type { Lists } from "./routes.ts"

export interface ApiAccess {
  readonly api: ControlApi
  readonly lists: Lists
  readonly rtspIds: RtspIds
  readonly identify: Identify
}
