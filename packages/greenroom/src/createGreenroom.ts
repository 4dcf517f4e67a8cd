/** One object with promises: `createGreenroom`. It keeps no global state, so a process may have several. */
import { EventFeed } from "@greenroom/core"
import { type Context, Effect, ManagedRuntime } from "effect"
import { type ActingAs, runAsActor } from "./actingAs.ts"
import { type AuthAnswer, authenticate, closedAnswer } from "./answerAuth.ts"
import { applicationWithLog, type Services } from "./application.ts"
import { fieldsOf } from "./argumentForms.ts"
import { type Auth, authOf } from "./authMethods.ts"
import { type Broadcasters, broadcastersOf } from "./broadcasterMethods.ts"
import { type EventOptions, type HandlerOptions, handlersOf, iterateEvents } from "./eventMethods.ts"
import type { EventOf, EventType, GreenroomEvent } from "./eventShapes.ts"
import { fetchOf, type WebHandler } from "./fetch.ts"
import { closedError } from "./GreenroomError.ts"
import { type Health, health } from "./healthOf.ts"
import { type Keys, keysOf } from "./keyMethods.ts"
import type { GreenroomOptions } from "./options.ts"
import { type PlaybackTokens, playbackTokensOf } from "./playbackTokenMethods.ts"
import { type Rest, restOf } from "./restApi.ts"
import { runWith, startError } from "./run.ts"
import { type SigningKeys, signingKeysOf } from "./signingKeyMethods.ts"
import { type Streams, streamsOf } from "./streamMethods.ts"
import { type Viewers, viewersOf } from "./viewerMethods.ts"

/** The store has just answered; if it is away again, events begin where it finds the log. */
const LOG_FOUND_WITHIN = "1 second"

export interface Greenroom extends AsyncDisposable {
  /** A Web-standard handler: `POST …/auth` and `…/hooks` for MediaMTX, and with `rest: true` the REST API. */
  readonly fetch: WebHandler
  /** The answer to MediaMTX's auth call, from its parsed JSON, for hosts that take the call themselves. Check who sends it first. */
  readonly authenticate: (body: unknown) => Promise<AuthAnswer>
  /** Why an encoder cannot connect. */
  readonly auth: Auth
  readonly broadcasters: Broadcasters
  readonly keys: Keys
  readonly streams: Streams
  /** Who may watch streams whose `playback` is `token`. */
  readonly playbackTokens: PlaybackTokens
  readonly viewers: Viewers
  readonly signingKeys: SigningKeys
  /** The same methods for one of your users or programs: the audit log names it, and with a broadcaster it meets no other's things. */
  readonly as: (actor: ActingAs) => Pick<Greenroom, "broadcasters" | "keys" | "streams" | "playbackTokens" | "viewers">
  readonly health: () => Promise<Health>
  /**
   * Calls `handler` for each event of a type, of all processes, in order: the next one when the promise of the last has settled. From now on, or
   * from a cursor. Returns how to stop that.
   */
  readonly on: <T extends EventType>(
    type: T,
    handler: (event: EventOf<T>) => unknown,
    options?: HandlerOptions
  ) => () => void
  /** Events in order, from now on or from a cursor, until `signal` fires or Greenroom is closed. */
  readonly events: (options?: EventOptions) => AsyncGenerator<GreenroomEvent, void, undefined>
  /** Ends everything: the reconciler gives the lease to another process, and the connections to the database are closed. */
  readonly close: () => Promise<void>
}

/**
 * Ready when it resolves: the schema is up to date and the reconciler runs. Rejects with a `GreenroomError` whose code is `invalid_argument`,
 * `store_unavailable` or `migration_failed`.
 */
export const createGreenroom = async (options: GreenroomOptions): Promise<Greenroom> => {
  const runtime = ManagedRuntime.make(applicationWithLog(options))
  const services = await runtime.context().catch(async (error: unknown) => {
    await runtime.dispose()
    throw startError(error)
  })
  const closed = new AbortController()
  const isClosed = () => closed.signal.aborted
  const run = runWith(runtime as ManagedRuntime.ManagedRuntime<Services, unknown>, isClosed)
  const warn = (message: string, error: unknown) =>
    void run(Effect.annotateLogs(Effect.logWarning(message), { error: String(error) })).catch(() => {})
  const handlers = handlersOf(services as Context.Context<Services>, warn)
  let rest: Rest | null = null
  let ending: Promise<void> | null = null

  const end = async (): Promise<void> => {
    closed.abort()
    await handlers.stop()
    try {
      await rest?.dispose()
    } finally {
      await runtime.dispose()
    }
  }
  const close = (): Promise<void> => (ending ??= end())
  try {
    // What is written from here on comes after "now".
    await run(
      Effect.timeoutOption(
        Effect.flatMap(EventFeed, ({ head }) => head),
        LOG_FOUND_WITHIN
      )
    )
    if (options.rest === true) rest = await restOf(services, options.basePath ?? "")
  } catch (error) {
    await close()
    throw error
  }

  return {
    fetch: fetchOf(run, options.mediaMtx.secret, rest === null ? null : rest.handler, isClosed),
    authenticate: (body) => (isClosed() ? Promise.resolve(closedAnswer) : run(authenticate(body))),
    auth: authOf(run),
    broadcasters: broadcastersOf(run),
    keys: keysOf(run),
    streams: streamsOf(run),
    playbackTokens: playbackTokensOf(run),
    viewers: viewersOf(run),
    signingKeys: signingKeysOf(run),
    as: (actor) => {
      const runAs = runAsActor(run, actor)
      return {
        broadcasters: broadcastersOf(runAs),
        keys: keysOf(runAs),
        streams: streamsOf(runAs),
        playbackTokens: playbackTokensOf(runAs),
        viewers: viewersOf(runAs)
      }
    },
    health: () => run(health),
    on: (type, handler, options = {}) => {
      if (isClosed()) throw closedError()
      return handlers.add(type, handler, fieldsOf("options", options))
    },
    events: (options = {}) =>
      iterateEvents(services as Context.Context<Services>, fieldsOf("options", options), closed.signal),
    close,
    [Symbol.asyncDispose]: close
  }
}
