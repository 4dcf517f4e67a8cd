/**
 * Where a scenario plays: a running Greenroom, the media server in front of it, and encoders that come and go. Scenarios are
 * written once, against this; the simulator's deployment runs them in the ordinary tests, the real ones in `verification/e2e/`.
 */
import { Context, Effect, type Scope } from "effect"
import type { Measurement } from "./Measurements.ts"
import type { LogLine, RunningService } from "./runService.ts"
import type { Target } from "./Target.ts"

export interface Encoder {
  readonly protocol: Target["protocol"]
  /** Until its process has ended, or a browser has noticed that it is off the air. */
  readonly ended: Effect.Effect<void>
  readonly hasEnded: () => boolean
  /** SIGKILL. */
  readonly kill: Effect.Effect<void>
  /** As its user ends it: the media server is told. Returns when it has ended. */
  readonly stop: Effect.Effect<void>
  /** What it shows its user so far, such as the reason of a refusal. */
  readonly shown: () => string
}

export interface MediaServerControls {
  /** SIGKILL; returns when it is dead. */
  readonly kill: Effect.Effect<void>
  /** SIGTERM, as an operator stops it. */
  readonly stop: Effect.Effect<void>
  /** Starts it again, where nobody else does. */
  readonly start: Effect.Effect<void>
  /** Until it takes publishers. */
  readonly back: Effect.Effect<void>
  /** It, and all of its connections, stand still. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

export class TestDeployment extends Context.Service<
  TestDeployment,
  {
    readonly service: RunningService
    /** Those that the media server asks: the service, and others on its database. */
    readonly asked: ReadonlyArray<RunningService>
    /** Publishes until it is taken off the air or its scope closes. */
    readonly encode: (target: Target) => Effect.Effect<Encoder, never, Scope.Scope>
    /** The same, and takes RTMP's full two seconds to be ready. */
    readonly encodeSlowly: (target: Target) => Effect.Effect<Encoder, never, Scope.Scope>
    /** Publishes on a media server that lets it in without asking Greenroom. */
    readonly stranger: (target: Target) => Effect.Effect<Encoder, never, Scope.Scope>
    /** How many frames a player reads there. */
    readonly framesAt: (url: string) => Effect.Effect<number>
    readonly mediaServer: MediaServerControls
    readonly measure: (measurement: Measurement) => void
    /** Deadlines are this many times what is promised: a busy machine fails nothing, the measurements tell. */
    readonly slack: number
  }
>()("greenroom/test/TestDeployment") {}

/** Between two questions, in milliseconds: ever longer, so that many that wait leave the machine to what they wait for. */
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 200

/** Polls until there is an answer; how long that took, in milliseconds. Dies when there is none in time. */
export const waitFor = Effect.fnUntraced(function* <A, R = never>(
  what: string,
  ask: Effect.Effect<A | undefined, never, R>,
  within: number
): Effect.fn.Return<{ readonly value: A; readonly millis: number }, never, TestDeployment | R> {
  const { slack } = yield* TestDeployment
  const began = performance.now()
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(1.3 * pause, LONGEST_PAUSE_MS)) {
    const value = yield* ask
    const millis = performance.now() - began
    if (value !== undefined) return { value, millis }
    if (millis > within * slack) return yield* Effect.die(new Error(`not within ${within} ms × ${slack}: ${what}`))
    yield* Effect.sleep(pause)
  }
})

/** What `/auth` has said from here on. */
export const listen = Effect.map(TestDeployment, ({ asked }) => {
  const from = asked.map(({ lines }) => lines().length)
  const decisions = () =>
    asked
      .flatMap(({ lines }, index) => lines().slice(from[index]))
      .filter(({ message, route, action, decision, status }) => {
        const isAnswer = decision !== undefined || status === 503
        return message === "request" && route === "/auth" && action === "publish" && isAnswer
      })
  return {
    /** The first answer to a publisher that fits: a decision, or that the store did not answer in time. */
    first: (what: string, fits: (line: LogLine) => boolean, within = 5_000) =>
      Effect.map(
        waitFor(
          `/auth says ${what}`,
          Effect.sync(() => decisions().find(fits)),
          within
        ),
        ({ value }) => value
      ),
    admissions: (): ReadonlyArray<LogLine> => decisions().filter((line) => line.decision === "allow"),
    /** Whether a publisher on the path had no decision: the store did not answer in time. */
    isUnanswered: (path: string): boolean => decisions().some((line) => line.status === 503 && line.path === path),
    /** Refusals but those of RTSP's anonymous first call. */
    refusals: (fits: (line: LogLine) => boolean): ReadonlyArray<LogLine> =>
      decisions().filter((line) => line.decision === "refuse" && line.reason !== "unauthorized" && fits(line))
  }
})
