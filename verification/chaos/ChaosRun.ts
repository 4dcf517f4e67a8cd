/** A chaos run, from its first fault to the verdict. */
import { Effect } from "effect"
import { recordEvents } from "../worlds/EventRecorder.ts"
import { eventWitnesses } from "../worlds/eventWitnesses.ts"
import { makeRng } from "../worlds/Rng.ts"
import { type Blow, rage } from "./Chaos.ts"
import { makeKeys } from "./Keys.ts"
import { observe } from "./Observer.ts"
import { INTRUDERS_PATH, intruder, publishers } from "./Publishers.ts"
import { blowsText, countsText, overstayText, table } from "./Report.ts"
import { scene } from "./Scene.ts"
import { brokenRows, checked, everybodyBack, overstays, PROMISED_MS, watchAgreement } from "./Verdict.ts"
import { now } from "./Windows.ts"

const PUBLISHERS = 20
/** In less than that each of the three need not be killed and frozen twice. */
const TWO_ROUNDS_FROM_S = 90
const OPERATE_EVERY_MS = { least: 400, most: 1_600 }
/** So long the three are watched once the chaos run is over. */
const WATCHED_MS = 11_000
/** An encoder's own pauses are in it: with a dead key it goes on for 4 s, and SRT's waits for 5 s before it believes that it is off. */
const BACK_PATIENCE_MS = 30_000

export interface ChaosRunOptions {
  readonly seconds: number
  readonly seed: number
  readonly say: (line: string) => void
}

/** What was not as promised, each in a sentence; none of it when all is well. */
export const runChaos = Effect.fnUntraced(function* ({ seconds, seed, say }: ChaosRunOptions) {
  const { greenroom, database, look, victims, clip } = yield* scene
  const { api } = greenroom
  const keys = yield* makeKeys(api, makeRng(seed))
  const recorder = yield* recordEvents(api)
  const witnesses = yield* eventWitnesses([greenroom], database, makeRng(seed + 4))
  const { sightings, looks } = yield* observe(look)
  const encoders = yield* publishers(PUBLISHERS, clip, keys, makeRng(seed + 1))
  const stranger = yield* intruder(api, clip, keys)
  const operatorsRng = makeRng(seed + 2)
  const counts = new Map<string, number>()
  const blows: Array<Blow> = []
  say(`the chaos run begins: ${PUBLISHERS} publishers, ${seconds} s, seed ${seed}`)

  const until = now() + seconds * 1_000
  const rounds = seconds >= TWO_ROUNDS_FROM_S ? 2 : 0
  const operator = Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(operatorsRng.between(OPERATE_EVERY_MS.least, OPERATE_EVERY_MS.most))
      const inUse = encoders.inUse()
      if (inUse.length === 0) continue
      const what = yield* keys.operate(inUse)
      counts.set(what, (counts.get(what) ?? 0) + 1)
    }
  })
  yield* Effect.raceFirst(rage(victims, makeRng(seed + 3), { until, rounds }, blows), operator)
  const over = now()
  yield* encoders.calm
  const last = blows.at(-1)!
  say(`the chaos run is over after ${blows.length} blows; the last: ${last.victim} ${last.how}`)

  const agreement = yield* watchAgreement(api, database, look, over, WATCHED_MS)
  const back = yield* everybodyBack(api, database, look, encoders.inUse, BACK_PATIENCE_MS)
  const told = yield* witnesses.verdict
  const lost = [...(yield* recorder.lost), ...(yield* keys.lost)]
  const broken = yield* brokenRows(database)
  const check = yield* checked(database)
  const overstayed = yield* overstays(database, keys, sightings, blows)
  const intrusions = [...sightings.values()].filter(({ path }) => path === INTRUDERS_PATH).length
  const acknowledged = keys.counts()
  const printed = greenroom.printed()
  const leaked = api.keys().filter((key) => printed.includes(key.slice(3))).length

  const inSeconds = (millis: number | null) => (millis === null ? "never" : `${(millis / 1000).toFixed(2)} s`)
  say(
    table([
      ["what", "how often, how long"],
      ...blowsText(blows),
      ["encoders started", `${encoders.tries()} times`],
      ["connections seen on the air", `${sightings.size} in ${looks()} looks`],
      ...countsText(counts),
      ["intruder with invented keys", `${stranger.tries()} tries, ${intrusions} times on the air`],
      ["keys issued, acknowledged", `${keys.all.size + recorder.issued()}`],
      ["revokes acknowledged", `${acknowledged.revoked + recorder.revoked()}`],
      ["stops acknowledged", `${acknowledged.stopped}`],
      ["of all that was acknowledged", `${lost.length} lost`],
      ["streams that are the fold of their events", `${check.streams - check.complaints.length} of ${check.streams}`],
      ["events, and requests with them to a receiver that fails", `${told.events}, ${told.requests}`],
      ...overstayText(overstayed),
      [
        "API, store and MediaMTX agree",
        `first after ${inSeconds(agreement.first)}, ${agreement.paths} paths in the end`
      ],
      ["longest difference of a path since", inSeconds(agreement.longest.millis)],
      ["then every encoder is on the air", `after ${inSeconds(back.millis)}`]
    ])
  )
  const late = agreement.first === null || agreement.first > PROMISED_MS || agreement.longest.millis > PROMISED_MS
  return [
    ...(late
      ? [
          `API, store and MediaMTX agreed first after ${inSeconds(agreement.first)}, and differed for ${inSeconds(agreement.longest.millis)}:`,
          `  ${agreement.longest.what}`
        ]
      : []),
    ...(back.millis === null
      ? ["not everybody got on the air again:", ...back.missing.map((line) => `  ${line}`)]
      : []),
    ...(intrusions > 0 ? [`a key that nobody issued was on the air ${intrusions} times`] : []),
    ...(looks() < seconds ? [`the media server was seen ${looks()} times only`] : []),
    ...lost,
    ...broken,
    ...check.complaints,
    ...told.complaints,
    ...(leaked > 0 ? [`${leaked} keys stand in what Greenroom printed`] : []),
    ...api.leaks().map((leak) => `a key in an answer: ${leak.slice(0, 60)}`),
    ...overstayed
      .filter(({ millis }) => millis > PROMISED_MS)
      .map(
        ({ what, path, millis }) => `${path}: a connection ${what} was on the air for ${(millis / 1000).toFixed(2)} s`
      )
  ]
})
