/**
 * Publishers and viewers under the test clock: the real use cases, reconciler and supervision over the memory adapters, and a media server of the
 * simulator's, which calls `/auth`. Several instances may share the store.
 */
import {
  AuthDeadline,
  type AuthDecision,
  authenticate,
  createBroadcaster,
  createPlaybackToken,
  DuplicatePolicy,
  Endpoints,
  Events,
  endpointsBehind,
  issueKey,
  type LoggedEvent,
  layerBackground,
  layerFollower,
  MediaServer,
  type NewPlaybackToken,
  OperatorSecret,
  type PlaybackPolicy,
  ReconcilePolicy,
  readAuthCall,
  ViewerId,
  type ViewerProtocol,
  Viewers,
  WorkersOn
} from "@greenroom/core"
import { CurrentViewers } from "@greenroom/core/internal"
import {
  type AuthQuestion,
  type Credentials,
  defaultVersion,
  Simulator,
  type Version
} from "@greenroom/mediamtx-simulator"
import { Context, Effect, Exit, Fiber, Layer, Redacted, Ref, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryMediaServer from "../../src/memory/MemoryMediaServer.ts"
import { layerRepositories } from "../../src/memory/MemoryRepositories.ts"
import { emptyStore, MemoryStore } from "../../src/memory/MemoryStore.ts"
import * as JoseTokenSigner from "../../src/node/JoseTokenSigner.ts"
import * as NodeKeyMint from "../../src/node/NodeKeyGenerator.ts"
import * as AesSecretCipher from "../../src/webhooks/AesSecretCipher.ts"

const callOf = (question: AuthQuestion) => {
  const secret = (text: string | undefined) => (text === undefined ? undefined : Redacted.make(text))
  return readAuthCall({
    action: question.action,
    path: question.path,
    protocol: question.protocol,
    id: question.id,
    user: secret(question.user),
    password: secret(question.password),
    token: secret(question.token),
    query: secret(question.query),
    ip: question.ip,
    userAgent: question.userAgent
  })
}

/** jose signs and verifies in promises, which the test clock does not wait for. */
const turns = Effect.promise(async () => {
  for (let turn = 0; turn < 25; turn++) await new Promise((resolve) => setImmediate(resolve))
})
/** Lets the clock go on in steps in which everything that can run does. */
export const later = Effect.fnUntraced(function* (millis: number) {
  for (let left = millis; left > 0; left -= 250) {
    yield* TestClock.adjust(Math.min(left, 250))
    yield* turns
  }
  yield* TestClock.adjust(0)
  yield* turns
})

export const audienceOf = Effect.fnUntraced(function* (version: Version) {
  const media = yield* Simulator.make({ rtspHangs: false, version })
  const store = emptyStore()
  const base = yield* Layer.build(
    Layer.mergeAll(
      layerRepositories.pipe(Layer.provide(Layer.succeed(MemoryStore, store))),
      NodeKeyMint.layer,
      JoseTokenSigner.layer,
      AesSecretCipher.layer(Redacted.make(Buffer.alloc(32, 7).toString("base64"))),
      Layer.succeed(OperatorSecret, { hash: new Uint8Array(32) }),
      Layer.succeed(DuplicatePolicy, "refuse"),
      // The clock goes on while jose verifies.
      Layer.succeed(AuthDeadline, { millis: 60_000 }),
      Layer.succeed(Endpoints, endpointsBehind("https://media.example.com")),
      Layer.succeed(WorkersOn, true)
    )
  )
  const fault = yield* Ref.make<MemoryMediaServer.MemoryFault | null>(null)
  const mediaServer = yield* Effect.provideService(MemoryMediaServer.make({ fault }), Simulator.Simulator, media)

  const instance = Effect.fnUntraced(function* (holder: string, leads: boolean) {
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Effect.forkDetach(Scope.close(scope, Exit.void)))
    const layer = (leads ? layerBackground : layerFollower).pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Layer.succeedContext(base),
          Layer.succeed(MediaServer, mediaServer),
          Layer.succeed(ReconcilePolicy, { unauthorized: "kick", massKickLimit: 10, enforce: false, holder })
        )
      )
    )
    const context = yield* Layer.buildWithScope(layer, scope)
    yield* later(250)
    const answer = (question: AuthQuestion) => {
      const ask = callOf(question)
      if (ask._tag === "Incomplete") return Effect.succeed(false)
      return authenticate(ask).pipe(
        Effect.provideContext(context),
        Effect.map((decision: AuthDecision) => decision._tag !== "Refuse"),
        Effect.orElseSucceed(() => false)
      )
    }
    /** The media server asks this one from now on. */
    const isAsked = media.authenticateWith(answer)
    const run = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.provideContext(effect, context as never) as Effect.Effect<A, E>
    const current = Context.get(context, CurrentViewers)
    return { context, current, isAsked, run, close: Scope.close(scope, Exit.void) }
  })
  const main = yield* instance("one", true)
  yield* main.isAsked

  const publish = Effect.fnUntraced(function* (path: string, playback: PlaybackPolicy | null) {
    const studio = yield* main.run(createBroadcaster({ displayName: "Studio", contact: null, metadata: {} }))
    const issued = yield* main.run(
      issueKey({ broadcasterId: studio.id, label: null, path: path as never, expiresAt: null, playback })
    )
    if (issued._tag !== "Issued") return yield* Effect.die(issued._tag)
    const publisher = yield* media.publish({ protocol: "rtmp", path, password: Redacted.value(issued.value) })
    yield* later(3_000)
    return { publisher, key: issued.key, broadcasterId: studio.id }
  })

  const token = Effect.fnUntraced(function* (path: string, more: Partial<NewPlaybackToken> = {}) {
    const made = yield* main.run(
      createPlaybackToken({
        coverage: { _tag: "Path", path },
        viewerId: ViewerId.make("user-1"),
        expiresInSeconds: 3_600,
        notBefore: null,
        maxSessions: null,
        ips: [],
        actions: ["read"],
        metadata: {},
        ...more
      })
    )
    return made._tag === "Created" ? made : yield* Effect.die(made._tag)
  })

  /** As the URLs of a token have it; `null`: without any. */
  const credentials = (
    protocol: ViewerProtocol,
    shown: Effect.Success<ReturnType<typeof token>> | null
  ): Credentials => {
    if (shown === null) return {}
    const text = Redacted.value(shown.token)
    if (protocol === "webrtc") return { token: text, query: `v=${shown.stored.id}` }
    if (protocol === "srt") return { user: shown.stored.id, password: text }
    return { query: `token=${text}` }
  }
  /** A player as it is. */
  const read = Effect.fnUntraced(function* (options: Parameters<typeof media.read>[0]) {
    const fiber = yield* Effect.forkChild(media.read(options))
    yield* later(1_000)
    return yield* Fiber.join(fiber)
  })
  const watch = Effect.fnUntraced(function* (
    protocol: ViewerProtocol,
    path: string,
    shown: Effect.Success<ReturnType<typeof token>> | null
  ) {
    const fiber = yield* Effect.forkChild(media.read({ protocol, path, ...credentials(protocol, shown) }))
    yield* later(1_000)
    return yield* Fiber.join(fiber)
  })

  const events = Effect.gen(function* () {
    yield* later(500)
    const log = yield* Events
    return (yield* log.read(0, {}, 500)).events
  }).pipe(Effect.provideContext(base))
  const named = (all: ReadonlyArray<LoggedEvent>, prefix: string) => all.filter(({ type }) => type.startsWith(prefix))

  return {
    media,
    store,
    fault,
    base,
    main,
    instance,
    publish,
    token,
    read,
    watch,
    /** What happened to viewers, in order. */
    viewerEvents: Effect.map(events, (all) => named(all, "viewer.")),
    /** Those that the store has as watching. */
    open: Effect.flatMap(Viewers, (viewers) => viewers.open).pipe(Effect.provideContext(base)),
    listed: Effect.map(mediaServer.snapshot, ({ readers }) => readers),
    counted: (path: string) =>
      Effect.sync(
        () =>
          [...store.streams.values()].find((row) => row.path === path && row.state._tag === "Active")?.observation
            .viewerCount
      )
  }
})

export const audience = audienceOf(defaultVersion)

export type Audience = Effect.Success<typeof audience>
