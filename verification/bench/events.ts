/** The event log: what it costs an admission, and how late events come. */
import { eventCost } from "./eventCost.ts"
import type { Measured } from "./parts.ts"
import type { Stage } from "./stage.ts"

export const events = async (stage: Stage): Promise<Measured> => {
  const cost = await eventCost(stage)
  return { part: "events", title: "Events", findings: cost.findings, lines: [], notes: cost.notes }
}
