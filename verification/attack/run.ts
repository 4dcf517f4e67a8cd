/** One attack after the other on one running service, and what was seen before, during and after each. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import type { Attack, Spent } from "./Attack.ts"
import type { Order } from "./attacker.ts"
import { brokenPromises, figuresOf, type Outcome } from "./figures.ts"
import type { Observed, ObserverOrder } from "./observer.ts"
import { fill, residentMegabytes, startService } from "./service.ts"
import { pause } from "./sockets.ts"

export interface RunOptions {
  readonly attacks: ReadonlyArray<Attack>
  readonly seconds: number
  readonly seed: number
  readonly say: (line: string) => void
}

const QUIET_MS = 4_000
/** After an attack, this long may pass until everything is as before. */
const RECOVERED_WITHIN_MS = 5_000
const MEMORY_EVERY_MS = 100
const ATTACK_PATIENCE_MS = 30_000

const child = (script: string, message: Order | ObserverOrder): ChildProcess => {
  const started = fork(fileURLToPath(new URL(script, import.meta.url)), {
    execArgv: ["--conditions=@greenroom/source"]
  })
  started.send(message)
  return started
}

/** What the attack spent; it is ended when it does not end by itself. */
const attackWith = async (order: Order): Promise<Spent> => {
  const attacker = child("./attacker.ts", order)
  const late = setTimeout(() => attacker.kill("SIGKILL"), order.seconds * 1_000 + ATTACK_PATIENCE_MS)
  const [spent] = await Promise.race([once(attacker, "message"), once(attacker, "exit")])
  clearTimeout(late)
  return typeof spent === "object" && spent !== null ? spent : { bytes: 0, connections: 0, answers: 0 }
}

const isAlive = async (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false
  )

/** Lines that announce a condition more than once while it lasts. */
const repeated = (log: string): ReadonlyArray<string> => {
  const begins = log
    .split("\n")
    .filter((line) => /"kind":"connections_limited"/.test(line) && /"level":"warn"/.test(line))
  const ends = log
    .split("\n")
    .filter((line) => /"kind":"connections_limited"/.test(line) && /"level":"info"/.test(line))
  return begins.length - ends.length > 1
    ? [`a condition was logged ${begins.length} times and ended ${ends.length} times`]
    : []
}

export const runAttacks = Effect.fnUntraced(function* ({ attacks, seconds, seed, say }: RunOptions) {
  const { service, target, rtspPort } = yield* startService
  yield* Effect.promise(() => fill(target))
  const observed: Array<Observed> = []
  const observer = child("./observer.ts", { target, rtspPort })
  observer.on("message", (one: Observed) => void observed.push(one))
  yield* Effect.addFinalizer(() => Effect.sync(() => observer.kill("SIGKILL")))
  const pid = service.pid()
  let peak = 0
  const sampler = setInterval(() => {
    peak = Math.max(peak, residentMegabytes(pid))
  }, MEMORY_EVERY_MS)
  yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(sampler)))
  yield* Effect.promise(() => pause(QUIET_MS))
  const quietFrom = Date.now()
  yield* Effect.promise(() => pause(QUIET_MS))
  const quiet = figuresOf(observed, quietFrom, Date.now())
  say(
    `quiet: auth p50 ${quiet.p50.toFixed(1)} ms, p99 ${quiet.p99.toFixed(1)} ms, ${residentMegabytes(pid).toFixed(0)} MB`
  )

  const one = async ({ name }: Attack): Promise<Outcome> => {
    const beforeFrom = Date.now()
    await pause(QUIET_MS)
    const memoryBefore = residentMegabytes(pid)
    peak = memoryBefore
    const logged = service.printed().length
    const from = Date.now()
    const spent = await attackWith({ name, target, seconds, seed })
    const to = Date.now()
    await pause(RECOVERED_WITHIN_MS)
    const recovered = Date.now()
    await pause(QUIET_MS)
    const outcome = {
      name,
      ...spent,
      before: figuresOf(observed, beforeFrom, from),
      during: figuresOf(observed, from, to),
      after: figuresOf(observed, recovered, Date.now()),
      memory: { before: memoryBefore, peak, after: residentMegabytes(pid) },
      revokes: observed.filter(({ kind, at }) => kind === "revoke" && at >= from && at < to).map(({ millis }) => millis)
    }
    const alive = await isAlive(target.apiPort)
    const more = [
      ...(alive && service.pid() === pid ? [] : ["the service is gone"]),
      ...repeated(service.printed().slice(logged))
    ]
    return { ...outcome, broken: brokenPromises(outcome, quiet.p99, more) }
  }

  const outcomes: Array<Outcome> = []
  for (const attack of attacks) {
    const outcome = yield* Effect.promise(() => one(attack))
    outcomes.push(outcome)
    say(`${attack.name}: ${outcome.broken.length === 0 ? "held" : outcome.broken.join("; ")}`)
    const failures = observed.filter(({ millis, detail }) => millis === null && detail !== "")
    for (const { kind, detail } of failures.slice(-2)) if (outcome.broken.length > 0) say(`  ${kind}: ${detail}`)
  }
  return outcomes
})
