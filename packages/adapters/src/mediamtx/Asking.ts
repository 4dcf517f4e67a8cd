/** What each question to the media server goes through. */
import type { ControlApi } from "./ControlApi.ts"
import type { RtspIds } from "./RtspIds.ts"
import type { Identify } from "./RunningServer.ts"
import type { Lists } from "./routes.ts"

export interface Asking {
  readonly api: ControlApi
  readonly lists: Lists
  readonly rtspIds: RtspIds
  readonly identify: Identify
}
