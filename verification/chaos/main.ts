/**
 * `npm run chaos -- [--seconds N] [--seed S]`: a real MediaMTX, a real PostgreSQL and a real Greenroom, each killed and frozen again and
 * again under twenty encoders and an operator. Exits with 0 when everything that was promised was so, with 1 when not.
 */
import { parseArgs } from "node:util"
import { Cause, Effect, Exit } from "effect"
import { missing } from "../worlds/realMediaMtx.ts"
import { runChaos } from "./ChaosRun.ts"

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) }
  }
})
const [seconds, seed] = [Number(values.seconds), Number(values.seed)]
const say = (line: string) => console.log(line)

if (!(Number.isInteger(seconds) && seconds >= 10 && seconds <= 3_600 && Number.isSafeInteger(seed))) {
  console.error("expected --seconds, a whole number from 10 to 3600, and --seed, a whole number")
  process.exit(2)
}
if (missing.length > 0) {
  console.error(`the chaos run needs ${missing.join(" and ")} in PATH`)
  process.exit(2)
}

const bounded = runChaos({ seconds, seed, say }).pipe(
  Effect.scoped,
  Effect.timeoutOrElse({
    duration: (seconds + 300) * 1_000,
    orElse: () => Effect.succeed(["the chaos run did not come to an end in time"])
  })
)
const fiber = Effect.runFork(bounded)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => fiber.interruptUnsafe())
fiber.addObserver((exit) => {
  if (Exit.isSuccess(exit)) {
    say(exit.value.length === 0 ? "all as promised" : `not as promised:\n${exit.value.join("\n")}`)
    process.exit(exit.value.length === 0 ? 0 : 1)
  }
  if (Cause.hasInterruptsOnly(exit.cause)) {
    say("interrupted, and cleaned up")
    process.exit(130)
  }
  console.error(Cause.pretty(exit.cause))
  process.exit(1)
})
