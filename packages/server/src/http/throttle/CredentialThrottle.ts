/**
 * Slows down guesses at the API secret, at API tokens and at the hook secret, by the network that they come from. Over the limit a wrong secret is answered
 * with 429, and so is the right API secret without being checked: otherwise the answers would show at full speed which guess was right.
 * There are two exceptions: a network that has sent the right secret within a day, and the machine itself. The right hook secret always
 * passes: MediaMTX must never be locked out. docs/security.md has the argument.
 */
import { monotonicMillis } from "@greenroom/core/internal"
import { Context, Effect, Layer, Metric, type Scope } from "effect"
import { clientAddress } from "../listener/clientAddress.ts"
import { note, RequestContext } from "../middleware/RequestContext.ts"
import { failWith, type Problem } from "../problems/Problem.ts"
import { FAILURES_ALLOWED, FailureLimit, WINDOW_MS } from "./FailureLimit.ts"

const failures = Metric.counter("greenroom_credential_failures_total", {
  description: "Wrong API secrets, API tokens and hook secrets",
  incremental: true
})
const throttledNetworks = Metric.gauge("greenroom_networks_throttled", {
  description: "Networks whose wrong secrets are answered with 429 now"
})

export type SecretKind = "api" | "hook"
type Outcome = "refused" | "throttled"

const counted = (secret: SecretKind, outcome: Outcome) =>
  Metric.update(Metric.withAttributes(failures, { secret, outcome }), 1)

export class CredentialThrottle extends Context.Service<
  CredentialThrottle,
  {
    /** What `attempt` gives, which `isRight` judges; `proves`: whether it was the API secret itself, `isRight` unless given. Fails when the network has to wait; then `attempt` may not have been run. */
    readonly check: <A, E, R>(
      secret: SecretKind,
      network: string,
      attempt: Effect.Effect<A, E, R>,
      isRight: (outcome: A) => boolean,
      proves?: (outcome: A) => boolean
    ) => Effect.Effect<A, E | Problem<"too-many-requests">, R | RequestContext>
  }
>()("greenroom/http/CredentialThrottle") {}

const wait = (secret: SecretKind, seconds: number) =>
  Effect.andThen(
    Effect.andThen(counted(secret, "throttled"), note({ quiet: true, retryAfterSeconds: seconds })),
    failWith("too-many-requests", `Too many wrong secrets came from this address: try again in ${seconds} seconds`)
  )

/** The machine itself: `::1` is the only address in use of its /64. */
const isLoopback = (network: string): boolean => network.startsWith("127.") || network === "0:0:0:0::/64"

const report = (network: string) =>
  Effect.annotateLogs(
    Effect.logWarning("wrong secrets: the address is throttled, its further attempts are logged at debug level"),
    { network, failures: FAILURES_ALLOWED, seconds: WINDOW_MS / 1_000 }
  )

const make = (limit: FailureLimit) => {
  const failed = Effect.fnUntraced(function* (secret: SecretKind, network: string, now: number) {
    const { begins } = limit.fail(network, now)
    yield* counted(secret, "refused")
    if (begins) {
      yield* report(network)
      yield* Metric.update(throttledNetworks, limit.throttled(now))
    }
  })
  return CredentialThrottle.of({
    check: Effect.fnUntraced(function* (secret, network, attempt, isRight, proves = isRight) {
      const now = yield* monotonicMillis
      const seconds = limit.waitSeconds(network, now)
      const isHeard = seconds === 0 || secret === "hook" || isLoopback(network) || limit.isProven(network, now)
      if (!isHeard) return yield* wait(secret, seconds)
      const outcome = yield* attempt
      if (isRight(outcome)) {
        if (secret === "api" && proves(outcome)) limit.prove(network, now)
        return outcome
      }
      if (seconds > 0) return yield* wait(secret, seconds)
      yield* failed(secret, network, now)
      return outcome
    })
  })
}

/** Removes what has expired, once a second. */
const settling = (limit: FailureLimit): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const now = yield* monotonicMillis
    for (const network of limit.settle(now)) {
      yield* Effect.annotateLogs(Effect.logInfo("no more wrong secrets from the address"), { network })
    }
    yield* Metric.update(throttledNetworks, limit.throttled(now))
  }).pipe(
    Effect.catchCause((cause) => Effect.logError("the list of wrong secrets could not be settled", cause)),
    Effect.delay("1 second"),
    Effect.forever,
    Effect.forkScoped,
    Effect.asVoid
  )

export const layer: Layer.Layer<CredentialThrottle> = Layer.effect(
  CredentialThrottle,
  Effect.suspend(() => {
    const limit = new FailureLimit()
    return Effect.as(settling(limit), make(limit))
  })
)

/** The network of the connection. */
export const callersNetwork: Effect.Effect<string, never, RequestContext> = Effect.map(
  RequestContext,
  ({ remoteAddress }) => clientAddress(remoteAddress)
)
