/** Encoders that come and go, and come back when they are sent away, with keys that may be dead; a new key only after a while. */
import { Effect, Exit, Scope } from "effect"
import type { Api } from "../worlds/Api.ts"
import { ffmpegEncoder } from "../worlds/ffmpegEncoder.ts"
import type { Rng } from "../worlds/Rng.ts"
import { bent, targetOf } from "../worlds/Target.ts"
import type { HeldKey, Keys } from "./Keys.ts"
import { now } from "./Windows.ts"

const LIVE_MS = { least: 4_000, most: 20_000 }
const AWAY_MS = { least: 200, most: 1_500 }
/** So long a broadcaster goes on with a dead key. */
const STUBBORN_MS = 4_000

const protocols = ["rtmp", "rtsp", "srt"] as const

export interface Publishers {
  readonly inUse: () => ReadonlyArray<HeldKey>
  readonly tries: () => number
  /** From now on nobody leaves by himself, or goes on with a key of which it is not known whether it is good. */
  readonly calm: Effect.Effect<void>
}

/** They publish until the scope closes. */
export const publishers = Effect.fnUntraced(function* (count: number, clip: string, keys: Keys, rng: Rng) {
  const held = new Map<number, HeldKey>()
  let tries = 0
  let isCalm = false

  const publish = Effect.fnUntraced(function* (n: number) {
    let own = yield* keys.take
    held.set(n, own)
    while (true) {
      const dead = keys.deadAt(own.key.id, now() - STUBBORN_MS)
      if (dead !== undefined || (isCalm && own.isDoubtful)) {
        own = yield* keys.take
        held.set(n, own)
      }
      tries += 1
      const target = targetOf(own.key, protocols[n % protocols.length]!)
      const scope = yield* Scope.make()
      yield* Effect.gen(function* () {
        const encoder = yield* ffmpegEncoder(clip, target, protocols[n % protocols.length]!).pipe(Scope.provide(scope))
        yield* Effect.raceFirst(encoder.ended, Effect.sleep(rng.between(LIVE_MS.least, LIVE_MS.most)))
        if (isCalm) yield* encoder.ended
      }).pipe(Effect.ensuring(Scope.close(scope, Exit.void)))
      yield* Effect.sleep(rng.between(AWAY_MS.least, AWAY_MS.most))
    }
  })
  for (let n = 0; n < count; n++) yield* Effect.forkScoped(publish(n))
  const made: Publishers = {
    inUse: () => [...held.values()],
    tries: () => tries,
    calm: Effect.sync(() => {
      isCalm = true
    })
  }
  return made
})

export const INTRUDERS_PATH = "live/intruder"

/** Somebody with keys that nobody ever issued, over one protocol after the other, until the scope closes. */
export const intruder = Effect.fnUntraced(function* (api: Api, clip: string, keys: Keys) {
  let tries = 0
  const { key } = yield* keys.take
  const once = Effect.gen(function* () {
    const protocol = protocols[tries++ % protocols.length]!
    const target = bent(key, protocol, { path: INTRUDERS_PATH, secret: api.inventKey() })
    const encoder = yield* ffmpegEncoder(clip, target, protocol)
    yield* Effect.raceFirst(encoder.ended, Effect.sleep(LIVE_MS.least))
  }).pipe(Effect.scoped)
  yield* once.pipe(Effect.andThen(Effect.sleep(AWAY_MS.most)), Effect.forever, Effect.forkScoped)
  return { tries: () => tries }
})
