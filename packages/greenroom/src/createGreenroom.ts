/** One object with promises: `createGreenroom`. It keeps no global state, so a process may have several. */
import { streamEventTypes } from "@greenroom/core"
import { Effect, ManagedRuntime } from "effect"
import { type AuthAnswer, authenticate, closedAnswer } from "./answerAuth.ts"
import { applicationWithLog, type Services } from "./application.ts"
import { type Broadcasters, broadcastersOf } from "./broadcasterMethods.ts"
import { eventsFrom, finderOf } from "./events.ts"
import { fetchOf, type WebHandler } from "./fetch.ts"
import { closedError, invalidArgument } from "./GreenroomError.ts"
import { type Health, health } from "./healthOf.ts"
import { type Keys, keysOf } from "./keyMethods.ts"
import type { GreenroomOptions } from "./options.ts"
import { type Rest, restOf } from "./restApi.ts"
import { runWith, startError } from "./run.ts"
import type { StreamEvent } from "./shapes.ts"
import { type Streams, streamsOf } from "./streamMethods.ts"

export interface Greenroom extends AsyncDisposable {
  /** A Web-standard handler: `POST …/auth` and `…/hooks` for MediaMTX, and with `rest: true` the REST API. */
  readonly fetch: WebHandler
  /** The answer to MediaMTX's auth call, from its parsed JSON, for hosts that take the call themselves. Check who sends it first. */
  readonly authenticate: (body: unknown) => Promise<AuthAnswer>
  readonly broadcasters: Broadcasters
  readonly keys: Keys
  readonly streams: Streams
  readonly health: () => Promise<Health>
  /** Calls `listener` for each event of a type, of all processes, from now on; returns how to stop that. */
  readonly on: (type: StreamEvent["type"], listener: (event: StreamEvent) => void) => () => void
  /** All events from now on, until `signal` fires or Greenroom is closed. */
  readonly events: (options?: { readonly signal?: AbortSignal }) => AsyncGenerator<StreamEvent, void, undefined>
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
  const finder = finderOf(run, warn)
  let rest: Rest | null = null
  let ending: Promise<void> | null = null

  const end = async (): Promise<void> => {
    closed.abort()
    await finder.stop()
    try {
      await rest?.dispose()
    } finally {
      await runtime.dispose()
    }
  }
  const close = (): Promise<void> => (ending ??= end())
  try {
    if (options.rest === true) rest = await restOf(services, options.basePath ?? "")
  } catch (error) {
    await close()
    throw error
  }

  return {
    fetch: fetchOf(run, options.mediaMtx.secret, rest === null ? null : rest.handler, isClosed),
    authenticate: (body) => (isClosed() ? Promise.resolve(closedAnswer) : run(authenticate(body))),
    broadcasters: broadcastersOf(run),
    keys: keysOf(run),
    streams: streamsOf(run),
    health: () => run(health),
    on: (type, listener) => {
      if (!streamEventTypes.includes(type))
        throw invalidArgument("type", `expected one of ${streamEventTypes.join(", ")}`)
      if (isClosed()) throw closedError()
      return finder.add((event) => (event.type === type ? listener(event) : undefined))
    },
    events: ({ signal } = {}) => eventsFrom(finder, signal, closed.signal),
    close,
    [Symbol.asyncDispose]: close
  }
}
