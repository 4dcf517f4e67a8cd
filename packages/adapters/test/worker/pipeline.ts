/**
 * A whole pipeline under the test clock: the real use cases, reconciler and supervision over the memory adapters; a media server of
 * the simulator's, which calls `/auth`; workers that publish on it with the key that they were given. Instances come and go over one store.
 */
import {
  type AuthDecision,
  authenticate,
  createBroadcaster,
  DuplicatePolicy,
  issueKey,
  type KeyValue,
  layerBackground,
  MediaServer,
  OperatorSecret,
  type PipelineId,
  pipelinePath,
  ReconcilePolicy,
  Repositories,
  readAuthCall,
  superviseWorkers,
  type WorkerOrder,
  WorkerSettings,
  Workers,
  WorkersOn
} from "@greenroom/core"
import { Simulator } from "@greenroom/mediamtx-simulator"
import { Context, Effect, Exit, Layer, Option, Redacted, Ref, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryMediaServer from "../../src/memory/MemoryMediaServer.ts"
import * as MemoryMediaWorker from "../../src/memory/MemoryMediaWorker.ts"
import { layerRepositories } from "../../src/memory/MemoryRepositories.ts"
import { emptyStore, MemoryStore } from "../../src/memory/MemoryStore.ts"
import * as JoseTokenSigner from "../../src/node/JoseTokenSigner.ts"
import * as NodeKeyMint from "../../src/node/NodeKeyGenerator.ts"

export interface PipelineOptions {
  readonly max?: number
  readonly onDuplicate?: "refuse" | "takeover"
}

/** The key in a worker's URL. */
export const keyIn = (order: WorkerOrder): KeyValue => Redacted.make(new URL(Redacted.value(order.output)).password)

export const pipeline = Effect.fnUntraced(function* (options: PipelineOptions = {}) {
  const media = yield* Simulator.make({ rtspHangs: false, readyAfter: { rtsp: 3 } })
  const store = emptyStore()
  const shared = Layer.mergeAll(
    layerRepositories.pipe(Layer.provide(Layer.succeed(MemoryStore, store))),
    NodeKeyMint.layer,
    JoseTokenSigner.layer,
    Layer.succeed(OperatorSecret, { hash: new Uint8Array(32) }),
    Layer.succeed(DuplicatePolicy, options.onDuplicate ?? "refuse"),
    Layer.succeed(WorkersOn, true),
    Layer.succeed(WorkerSettings, {
      max: options.max ?? 10,
      rtsp: "rtsp://127.0.0.1:8554",
      rtmp: "rtmp://127.0.0.1:1935"
    })
  )
  const base = yield* Layer.build(shared)
  const fault = yield* Ref.make<MemoryMediaServer.MemoryFault | null>(null)
  const mediaServer = yield* Effect.provideService(MemoryMediaServer.make({ fault }), Simulator.Simulator, media)

  /** Publishes what a command would; ends when it is off the air. `input`: what it finds there. */
  const work = Effect.fnUntraced(function* (order: WorkerOrder) {
    const { connections } = yield* media.world
    const isInput = ({ path, phase }: { path: string; phase: { _tag: string } }) =>
      path === pipelinePath(order.id, "in") && phase._tag === "Publishing"
    if (![...connections.values()].some(isInput)) return "exit code 1: 404 Not Found"
    const publisher = yield* media.publishAsked({
      protocol: "rtsp",
      path: pipelinePath(order.id, "out"),
      user: "worker",
      password: Redacted.value(keyIn(order))
    })
    if (!(yield* publisher.admitted)) return "exit code 1: 401 Unauthorized"
    return yield* publisher.closed.pipe(
      Effect.as("exit code 1: Broken pipe"),
      Effect.onInterrupt(() => publisher.drop)
    )
  })
  const staff = MemoryMediaWorker.make(work)

  /** The ports of a process that may die: from then on no call of it returns. */
  const mortal = (context: Context.Context<never>, life: { over: boolean }): Context.Context<never> =>
    Context.makeUnsafe(
      new Map(
        [...context.mapUnsafe].map(([key, service]) => {
          if (!key.startsWith("greenroom/") || typeof service !== "object" || service === null) return [key, service]
          const wrap = (operations: object): object =>
            Object.fromEntries(
              Object.entries(operations).map(([name, member]) => [
                name,
                Effect.isEffect(member)
                  ? Effect.suspend(() => (life.over ? Effect.never : member))
                  : typeof member === "function" && name !== "hash"
                    ? (...args: ReadonlyArray<unknown>) =>
                        Effect.suspend(() => (life.over ? Effect.never : member(...args)))
                    : key === Repositories.key
                      ? wrap(member)
                      : member
              ])
            )
          return [key, wrap(service)]
        })
      )
    )

  /** A Greenroom process: its reconciler, its `/auth`, its workers. */
  const instance = Effect.fnUntraced(function* (holder: string) {
    const scope = yield* Scope.make()
    // Not waited for: what takes its time to stop does so by a clock that nobody moves any more.
    yield* Effect.addFinalizer(() => Effect.forkDetach(Scope.close(scope, Exit.void)))
    const life = { over: false }
    const layer = layerBackground.pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Layer.succeedContext(mortal(base as never, life) as typeof base),
          staff.layer,
          Layer.succeed(MediaServer, mediaServer),
          Layer.succeed(ReconcilePolicy, { unauthorized: "kick", massKickLimit: 10, enforce: false, holder })
        )
      )
    )
    const context = yield* Layer.buildWithScope(layer, scope)
    yield* media.authenticateWith((question) => {
      const secret = (text: string | undefined) => (text === undefined ? undefined : Redacted.make(text))
      const ask = readAuthCall({
        action: question.action,
        path: question.path,
        protocol: question.protocol,
        id: question.id,
        user: secret(question.user),
        password: secret(question.password),
        token: secret(question.token),
        query: secret(question.query)
      })
      if (ask._tag === "Incomplete") return Effect.succeed(false)
      return authenticate(ask).pipe(
        Effect.provideContext(context),
        Effect.map((decision: AuthDecision) => decision._tag !== "Refuse"),
        Effect.orElseSucceed(() => false)
      )
    })
    yield* Effect.forkIn(Effect.provideContext(superviseWorkers, context), scope)
    yield* TestClock.adjust(0)
    const crash = Effect.sync(() => {
      life.over = true
    })
    return { scope, context, crash, close: Scope.close(scope, Exit.void) }
  })

  const withBase = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideContext(effect, base)
  const aKey = Effect.gen(function* () {
    const studio = yield* withBase(createBroadcaster({ displayName: "Studio", contact: null, metadata: {} }))
    const issued = yield* withBase(issueKey({ broadcasterId: studio.id, label: null, path: null, expiresAt: null }))
    return issued._tag === "Issued" ? issued : yield* Effect.die(issued._tag)
  })

  return {
    media,
    store,
    staff,
    base,
    fault,
    instance,
    aKey,
    /** An encoder on the pipeline's input. */
    source: (id: string, value: KeyValue, protocol: "rtsp" | "rtmp" = "rtsp") =>
      media.publishAsked({
        protocol,
        path: `live/${id}/in`,
        user: "any",
        password: Redacted.value(value)
      }),
    record: (id: string) =>
      withBase(Effect.flatMap(Workers, (workers) => Effect.map(workers.find(id as PipelineId), Option.getOrThrow))),
    /** Who publishes on the pipeline's output, as the media server has it. */
    publishers: (id: string) =>
      Effect.map(media.world, ({ connections }) =>
        [...connections.values()].filter(({ path, action }) => path === `live/${id}/out` && action === "publish")
      ),
    repositories: Context.get(base, Repositories).workers
  }
})

export type Pipeline = Effect.Success<ReturnType<typeof pipeline>>
