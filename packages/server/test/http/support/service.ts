/**
 * The HTTP service on a free port of the loopback, over the memory store and a simulated media server, with switches for what may
 * go wrong behind it and a record of what it logs. The real clock runs: requests are real ones.
 */
import { MemoryMediaServer, layer as memory } from "@greenroom/adapters/memory"
import { JoseTokenSigner, NodeKeyMint } from "@greenroom/adapters/node"
import { AesSecretCipher, HttpWebhookSender } from "@greenroom/adapters/webhooks"
import {
  AuthDeadline,
  AwaitOffAirWithin,
  DecisionLogPace,
  Endpoints,
  endpointsBehind,
  KeyGenerator,
  layerBackground,
  noEndpoints,
  OperatorSecret,
  openPlayback,
  PlaybackDefaults,
  type PlaybackPolicies,
  ReconcilePolicy,
  RefusedWebhookUrl,
  replacePorts,
  type StorePorts,
  StoreUnavailable,
  WorkersOn
} from "@greenroom/core"
import { AUTH_DEADLINE_MS } from "@greenroom/core/internal"
import { Simulator } from "@greenroom/mediamtx-simulator"
import { Effect, Layer, Logger, ManagedRuntime, Option, Redacted, Ref, References, Tracer } from "effect"
import * as HttpServer from "effect/http/HttpServer"
import type { Limits } from "../../../src/http/listener/ConnectionTable.ts"
import { HookSecret, PreviousHookSecret } from "../../../src/http/middleware/HookSecret.ts"
import { CorsOrigins } from "../../../src/http/middleware/pageOrigin.ts"
import { SignatureSecrets } from "../../../src/http/rescuestream/signedRoute.ts"
import * as EventBodies from "../../../src/http/routes/EventBodies.ts"
import * as HttpRoutes from "../../../src/http/routes/HttpRoutes.ts"
import { serve } from "../../../src/http/Serve.ts"
import * as CredentialThrottle from "../../../src/http/throttle/CredentialThrottle.ts"

export const API_SECRET = "the-operator-secret"
export const HOOK_SECRET = "the-hook-secret"

export type Trouble = "none" | "down" | "slow" | "defect"

export interface LogLine {
  readonly level: string
  readonly message: unknown
  readonly annotations: Readonly<Record<string, unknown>>
  readonly text: string
}

export interface ServiceOptions {
  /** Of the store, from the beginning. */
  readonly trouble?: Trouble
  readonly hookSecret?: string
  /** Secrets of before, which are still accepted. */
  readonly previous?: { readonly api?: string; readonly hook?: string }
  readonly rescuestream?: boolean
  readonly corsOrigins?: ReadonlyArray<string>
  readonly workers?: boolean
  readonly playback?: Partial<PlaybackPolicies>
  readonly requestWithinMillis?: number
  readonly publicUrl?: string | null
  readonly finishWithin?: number
  readonly limits?: Limits
  /** Webhooks: without it, an encryption key and private receivers. */
  readonly webhooks?: { readonly key?: string | null; readonly allowPrivate?: boolean; readonly requireTls?: boolean }
  /** Neither logs nor spans are kept, as in a deployment without collectors whose log level is high. */
  readonly quiet?: boolean
}

interface Switches {
  trouble: Trouble
}

/** For answers that come, when the machine is not too busy. */
const UNHURRIED_MS = 60_000
/** For a confirmation that cannot come. */
const HURRIED_MS = 500

/** A port whose every call does what the switch says. */
const troubled = <S extends object>(real: S, switches: Switches): S => {
  const guard = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
    Effect.suspend((): Effect.Effect<A, E | StoreUnavailable, R> => {
      switch (switches.trouble) {
        case "down":
          return Effect.fail(
            new StoreUnavailable({ operation: name, cause: new Error("connection refused at 10.0.0.7") })
          )
        case "slow":
          return Effect.never
        case "defect":
          return Effect.die(new Error("secret inside"))
        default:
          return effect
      }
    })
  const wrap = (name: string, value: unknown) =>
    typeof value === "function"
      ? (...args: ReadonlyArray<unknown>) => guard(name, value(...args))
      : guard(name, value as Effect.Effect<unknown>)
  return Object.fromEntries(Object.entries(real).map(([name, value]) => [name, wrap(name, value)])) as S
}

export interface SpanRecord {
  readonly name: string
  readonly traceId: string
  readonly attributes: ReadonlyMap<string, unknown>
}

/** A tracer that keeps what it is told: with it the service believes that somebody collects spans. */
const recorder = (spans: Array<SpanRecord>) =>
  Tracer.make({
    span(options) {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })

const capture = (lines: Array<LogLine>) =>
  Logger.make(({ logLevel, message, fiber, cause }) => {
    const annotations = fiber.getRef(References.CurrentLogAnnotations)
    lines.push({
      level: logLevel,
      message: Array.isArray(message) ? message[0] : message,
      annotations,
      text: JSON.stringify([message, annotations, String(cause)])
    })
  })

export const ENCRYPTION_KEY = "the-encryption-key-of-these-tests"

const webhooksOf = ({
  key = ENCRYPTION_KEY,
  allowPrivate = true,
  requireTls = false
}: NonNullable<ServiceOptions["webhooks"]>) =>
  Layer.mergeAll(
    HttpWebhookSender.layer({ allowPrivate, requireTls }),
    Layer.succeed(RefusedWebhookUrl, HttpWebhookSender.refusedUrl({ allowPrivate, requireTls })),
    key === null ? AesSecretCipher.layerNone : AesSecretCipher.layer(Redacted.make(key))
  )

export const start = async (options: ServiceOptions = {}) => {
  const switches: Switches = { trouble: options.trouble ?? "none" }
  const auth = { millis: UNHURRIED_MS }
  const confirm = { millis: UNHURRIED_MS }
  const lines: Array<LogLine> = []
  const spans: Array<SpanRecord> = []
  const fault = Ref.makeUnsafe<MemoryMediaServer.MemoryFault | null>(null)
  const store = replacePorts(
    (ports) =>
      Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, troubled(port, switches)])) as StorePorts
  ).pipe(Layer.provideMerge(memory))
  const world = Layer.effect(Simulator.Simulator, Simulator.make({ readyAfter: { rtmp: 20, srt: 20 } }))
  const settings = Layer.mergeAll(
    Layer.effect(
      OperatorSecret,
      Effect.map(KeyGenerator, (mint) => ({
        hash: mint.hash(Redacted.make(API_SECRET)),
        previousHash: options.previous?.api === undefined ? undefined : mint.hash(Redacted.make(options.previous.api))
      }))
    ),
    Layer.succeed(
      PreviousHookSecret,
      options.previous?.hook === undefined ? null : Redacted.make(options.previous.hook)
    ),
    Layer.succeed(CorsOrigins, new Set(options.corsOrigins)),
    Layer.succeed(
      SignatureSecrets,
      [API_SECRET, ...(options.previous?.api === undefined ? [] : [options.previous.api])].map((secret) =>
        Redacted.make(secret)
      )
    ),
    Layer.succeed(
      HookSecret,
      Option.map(Option.fromNullishOr(options.hookSecret), (secret) => Redacted.make(secret))
    ),
    Layer.succeed(
      Endpoints,
      options.publicUrl === null ? noEndpoints : endpointsBehind(options.publicUrl ?? "https://media.example.com")
    ),
    Layer.succeed(WorkersOn, options.workers === true),
    Layer.succeed(PlaybackDefaults, { ...openPlayback, ...options.playback }),
    Layer.succeed(AuthDeadline, auth),
    Layer.succeed(DecisionLogPace, { writeEveryMillis: 10, firstAskMillis: 250 }),
    Layer.succeed(AwaitOffAirWithin, confirm),
    Layer.succeed(ReconcilePolicy, { unauthorized: "kick", massKickLimit: 10, enforce: false, holder: "test" })
  ).pipe(Layer.provideMerge(Layer.merge(NodeKeyMint.layer, JoseTokenSigner.layer)))
  const ports = Layer.merge(layerBackground, EventBodies.layer).pipe(
    Layer.provideMerge(
      MemoryMediaServer.layer({ fault, deadlines: { snapshot: "1 second", find: "5 seconds", kick: "1 second" } })
    ),
    Layer.provideMerge(world),
    Layer.provideMerge(store),
    Layer.provideMerge(webhooksOf(options.webhooks ?? {})),
    Layer.provideMerge(settings)
  )
  const server = serve(HttpRoutes.layer({ hooks: true, metrics: true, rescuestream: options.rescuestream === true }), {
    host: "127.0.0.1",
    port: 0,
    finishWithin: options.finishWithin ?? 1_000,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.requestWithinMillis === undefined ? {} : { requestWithinMillis: options.requestWithinMillis })
  })
  const silence = Layer.succeed(References.MinimumLogLevel, "None" as const)
  const recording = Layer.mergeAll(
    Logger.layer([capture(lines)]),
    Layer.succeed(Tracer.Tracer, recorder(spans)),
    Layer.succeed(References.MinimumLogLevel, "Debug" as const)
  )
  const runtime = ManagedRuntime.make(
    server.pipe(
      Layer.provide(CredentialThrottle.layer),
      Layer.provideMerge(ports),
      Layer.provideMerge(options.quiet === true ? silence : recording)
    )
  )
  const { address } = await runtime.runPromise(HttpServer.HttpServer)
  if (!("port" in address)) throw new Error("not on TCP")
  const media = await runtime.runPromise(Simulator.Simulator)

  return {
    base: `http://127.0.0.1:${address.port}`,
    port: address.port,
    media,
    lines,
    spans,
    run: runtime.runPromise,
    /** The lines that requests have left, without those of other things. */
    requests: () => lines.filter((line) => line.message === "request"),
    trouble: (trouble: Trouble) => {
      switches.trouble = trouble
      auth.millis = trouble === "none" ? UNHURRIED_MS : AUTH_DEADLINE_MS
    },
    /** The media server stops answering, and answers again. */
    freeze: Effect.andThen(
      Ref.set(fault, "frozen"),
      Effect.sync(() => {
        confirm.millis = HURRIED_MS
      })
    ),
    thaw: Effect.andThen(
      Ref.set(fault, null),
      Effect.sync(() => {
        confirm.millis = UNHURRIED_MS
      })
    ),
    close: () => runtime.dispose()
  }
}

export type Service = Awaited<ReturnType<typeof start>>
