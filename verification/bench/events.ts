/** The event log: what it costs an admission, and how late events come. */
import { eventCost } from "./eventCost.ts"
import { eventLag } from "./eventLag.ts"
import type { Measured } from "./parts.ts"
import type { Run } from "./processes.ts"
import { setStage } from "./stage.ts"

export const events = async (run: Run): Promise<Measured> => {
  const stage = await setStage(run, { name: "events", live: 5, keys: 200 })
  const lag = await eventLag(run, stage)
  const cost = await eventCost(stage)
  await stage.end()
  return {
    part: "events",
    title: "Events",
    findings: [...lag.findings, ...cost.findings],
    lines: [],
    notes: cost.notes
  }
}
