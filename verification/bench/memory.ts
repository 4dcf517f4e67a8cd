/** Ten minutes of 200 admissions a second, each on a new connection and ended within a second: whether the service's memory grows. */
import { setTimeout as sleep } from "node:timers/promises"
import { callsOn } from "./calls.ts"
import { figuresOf, median, medianOf } from "./figures.ts"
import { onNewConnection, type Sample } from "./load.ts"
import type { Measured } from "./parts.ts"
import type { Stage } from "./stage.ts"

const PER_SECOND = 200
const MINUTES = 10
/** The heap has its size by then. */
const SETTLED_AFTER_MINUTES = 2
/** Above this share the memory counts as growing. */
const FLAT = 1.1

interface Minute {
  readonly megabytes: number
  readonly samples: ReadonlyArray<Sample>
}

const minute = async (stage: Stage, next: ReturnType<typeof callsOn>["newcomer"]): Promise<Minute> => {
  const asked: Array<Promise<Sample>> = []
  const megabytes: Array<number> = []
  const begun = performance.now()
  for (let second = 0; second < 60; second++) {
    for (let call = 0; call < PER_SECOND; call++) {
      const due = begun + 1_000 * (second + call / PER_SECOND)
      const early = due - performance.now()
      if (early > 1) await sleep(early)
      asked.push(onNewConnection(stage.hooks, next()))
    }
    megabytes.push(stage.memory())
    await stage.store.endConnecting()
  }
  return { megabytes: median(megabytes), samples: await Promise.all(asked) }
}

export const memory = async (stage: Stage): Promise<Measured> => {
  const { newcomer } = callsOn(stage)
  const atStart = stage.memory()
  const minutes: Array<Minute> = []
  for (let count = 0; count < MINUTES; count++) minutes.push(await minute(stage, newcomer))
  const [settled, last] = [minutes[SETTLED_AFTER_MINUTES - 1]!, minutes.at(-1)!]
  const shown = (value: number) => `${value.toFixed(0)} MB`
  const figures = medianOf(minutes.map(({ samples }) => figuresOf("allowed", samples)))
  return {
    part: "memory",
    title: `\`POST /auth\`, ${PER_SECOND} a second for ${MINUTES} minutes, each call on a new connection`,
    findings: [
      {
        aim: 7,
        what: `memory after ${MINUTES} minutes of ${PER_SECOND} admissions a second`,
        greenroom: shown(last.megabytes),
        beside: `after ${SETTLED_AFTER_MINUTES} minutes ${shown(settled.megabytes)}`,
        value: last.megabytes / settled.megabytes,
        bound: { atMost: FLAT }
      }
    ],
    lines: [{ what: "allowed", figures }],
    notes: [
      `Memory (RSS) before: ${shown(atStart)}; by minute: ${minutes.map(({ megabytes }) => megabytes.toFixed(0)).join(", ")} MB.`
    ]
  }
}
