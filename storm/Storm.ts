/** The storm from its first wind to the verdict. */
import { Effect } from "effect"
import { keepLedger } from "../packages/server/test/scenarios/Ledger.ts"
import { makeDice } from "../simulation/Dice.ts"
import { type Blow, rage } from "./Chaos.ts"
import { makeKeys } from "./Keys.ts"
import { observe } from "./Observer.ts"
import { publishers } from "./Publishers.ts"
import { blowsText, countsText, overstayText, table } from "./Report.ts"
import { scene } from "./Scene.ts"
import { agreement, brokenRows, overstays, PROMISED_MS } from "./Verdict.ts"
import { now } from "./Windows.ts"

const PUBLISHERS = 20
const OPERATE_EVERY_MS = { least: 400, most: 1_600 }
/** To say how far off it was, when the promise was broken. */
const AGREE_PATIENCE_MS = 30_000

export interface StormOptions {
  readonly seconds: number
  readonly seed: number
  readonly say: (line: string) => void
}

/** What was not as promised, each in a sentence; none of it when all is well. */
export const storm = Effect.fnUntraced(function* ({ seconds, seed, say }: StormOptions) {
  const { greenroom, database, look, victims, clip } = yield* scene
  const { api } = greenroom
  const keys = yield* makeKeys(api, makeDice(seed))
  const ledger = yield* keepLedger(api)
  const { sightings, looks } = yield* observe(look)
  const encoders = yield* publishers(PUBLISHERS, clip, keys, makeDice(seed + 1))
  const operatorsDice = makeDice(seed + 2)
  const counts = new Map<string, number>()
  const blows: Array<Blow> = []
  say(`the storm begins: ${PUBLISHERS} publishers, ${seconds} s, seed ${seed}`)

  const until = now() + seconds * 1_000
  const operator = Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(operatorsDice.between(OPERATE_EVERY_MS.least, OPERATE_EVERY_MS.most))
      const inUse = encoders.inUse()
      if (inUse.length === 0) continue
      const what = yield* keys.operate(inUse)
      counts.set(what, (counts.get(what) ?? 0) + 1)
    }
  })
  yield* Effect.raceFirst(rage(victims, makeDice(seed + 3), until, blows), operator)
  const over = now()
  yield* encoders.calm
  const last = blows.at(-1)!
  say(`the storm is over after ${blows.length} blows; the last: ${last.victim} ${last.how}`)

  const first = yield* agreement(api, database, look, over, AGREE_PATIENCE_MS)
  yield* Effect.sleep("6 seconds")
  const later = now()
  const still = yield* agreement(api, database, look, later, AGREE_PATIENCE_MS)
  const lost = yield* ledger.lost
  const broken = yield* brokenRows(database)
  const overstayed = yield* overstays(database, keys, sightings, blows)
  const deadOnes = [...keys.all.values()].filter(({ dead }) => dead.some(({ why }) => why === "revoked"))
  const undead: Array<string> = []
  for (const { key } of deadOnes) {
    const { status } = yield* api.key(key.id)
    if (status !== "revoked") undead.push(`key ${key.id} was revoked, and is ${status}`)
  }
  const printed = greenroom.printed()
  const leaked = api.keys().filter((key) => printed.includes(key.slice(3))).length

  const agreed = (one: typeof first) =>
    one.millis === null ? "never" : `after ${(one.millis / 1000).toFixed(2)} s, ${one.paths} paths`
  say(
    table([
      ["what", "how often, how long"],
      ...blowsText(blows),
      ["encoders started", `${encoders.tries()} times`],
      ["connections seen on the air", `${sightings.size} in ${looks()} looks`],
      ...countsText(counts),
      ["keys issued, acknowledged", `${keys.all.size + ledger.issued()}, lost ${lost.length}`],
      ["revokes acknowledged", `${deadOnes.length + ledger.revoked()}, lost ${undead.length}`],
      ...overstayText(overstayed),
      ["API, store and MediaMTX agree", agreed(first)],
      ["and 6 s later again", agreed(still)]
    ])
  )
  const late = (one: typeof first, what: string) =>
    one.millis !== null && one.millis <= PROMISED_MS
      ? []
      : [`${what} ${agreed(one)}, promised within 5 s`, ...one.differences.map((difference) => `  ${difference}`)]
  return [
    ...late(first, "API, store and MediaMTX agreed"),
    ...late(still, "and later agreed"),
    ...lost,
    ...undead,
    ...broken,
    ...(leaked > 0 ? [`${leaked} keys stand in what Greenroom printed`] : []),
    ...api.leaks().map((leak) => `a key in an answer: ${leak.slice(0, 60)}`),
    ...overstayed
      .filter(({ millis }) => millis > PROMISED_MS)
      .map(({ what, path, millis }) => `${path}: a stream ${what} was on the air for ${(millis / 1000).toFixed(2)} s`),
    ...victims.flatMap(({ name }) =>
      (["killed", "frozen"] as const).flatMap((how) =>
        seconds >= 90 && blows.filter((blow) => blow.victim === name && blow.how === how).length < 2
          ? [`${name} was ${how} fewer than two times: the storm was too short`]
          : []
      )
    )
  ]
})
