/**
 * `npm run attack -- [--seconds N] [--seed S] [--only TEXT]`: a service as a user starts it, attacked in every way that we know, each for so
 * many seconds, on the loopback alone. Prints a table; exits with 0 when everything held, with 1 when not.
 */
import { cpus, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { Cause, Effect, Exit } from "effect"
import { mediaMtxBinary } from "../worlds/realMediaMtx.ts"
import { attacks } from "./attacks/index.ts"
import { reportOf } from "./report.ts"
import { runAttacks } from "./run.ts"

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" }
  }
})
const [seconds, seed] = [Number(values.seconds), Number(values.seed)]
const chosen = attacks.filter(({ name }) => name.includes(values.only))
const say = (line: string) => console.log(line)

if (!(Number.isInteger(seconds) && seconds >= 1 && seconds <= 600 && Number.isSafeInteger(seed))) {
  console.error("expected --seconds, a whole number from 1 to 600, and --seed, a whole number")
  process.exit(2)
}
if (chosen.length === 0) {
  console.error(`expected --only with a part of one of: ${attacks.map(({ name }) => name).join("; ")}`)
  process.exit(2)
}
say(
  `${chosen.length} attacks of ${seconds} s, seed ${seed}; ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}; ` +
    (mediaMtxBinary === undefined
      ? "no MediaMTX (MEDIAMTX_BIN, PATH): revokes are timed to their answer"
      : "a real MediaMTX")
)

const fiber = Effect.runFork(Effect.scoped(runAttacks({ attacks: chosen, seconds, seed, say })))
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => fiber.interruptUnsafe())
fiber.addObserver((exit) => {
  if (Exit.isFailure(exit)) {
    console.error(Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : Cause.pretty(exit.cause))
    process.exit(Cause.hasInterruptsOnly(exit.cause) ? 130 : 1)
  }
  say(`\n${reportOf(exit.value)}\n`)
  const broken = exit.value.filter((outcome) => outcome.broken.length > 0)
  for (const outcome of broken) say(`${outcome.name}: ${outcome.broken.join("; ")}`)
  say(broken.length === 0 ? "all held" : `${broken.length} of ${exit.value.length} did not hold`)
  process.exit(broken.length === 0 ? 0 : 1)
})
