/**
 * A fake MediaMTX with promises: the simulator on a port of its own. It has the control API, asks an auth server as MediaMTX does, and lets a test
 * publish, leave, and see who was kicked. Media does not flow.
 */
import type {
  AuthQuestion,
  Fault,
  PublishOptions,
  Publisher as SimulatedPublisher
} from "@greenroom/mediamtx-simulator"
import { SimulatorHttp, type SimulatorRequest } from "@greenroom/mediamtx-simulator/http"
import { Effect, Exit, Scope } from "effect"

export interface FakeMediaMtxOptions
  extends Omit<SimulatorHttp.SimulatorHttpOptions, "authenticate" | "authHttpAddress"> {
  /**
   * Who is admitted: the URL of `/auth`, as MediaMTX's `authHTTPAddress`; or a function, whose failure refuses. All are admitted without it.
   */
  readonly auth?: string | ((question: AuthQuestion) => boolean | Promise<boolean>)
}

export interface FakePublishOptions extends PublishOptions {
  /** The stream key, where the protocol has it: as the password, and over WebRTC and MoQ as the bearer token. */
  readonly key?: string
}

export type CloseReason = Effect.Success<SimulatedPublisher["closed"]>

export interface FakePublisher extends Pick<SimulatedPublisher, "protocol" | "path"> {
  /** The id that `/auth` was asked under. */
  readonly id: string
  /** Whether `/auth` admitted it. */
  readonly admitted: boolean
  /** `true` when it is on the air, `false` when it left before that. */
  readonly ready: Promise<boolean>
  /** Why it has left: `kicked`, `left`, `denied`, … */
  readonly closed: Promise<CloseReason>
  /** Leaves cleanly. Resolves when it has left. */
  readonly unpublish: () => Promise<void>
}

export interface FakeMediaMtx extends AsyncDisposable {
  /** Of the control API: `MEDIAMTX_API_URL`. */
  readonly apiUrl: string
  /** Connects a publisher. Resolves when its auth was answered. */
  readonly publish: (options: FakePublishOptions) => Promise<FakePublisher>
  /** The calls of the control API so far, oldest first. */
  readonly requests: () => Promise<ReadonlyArray<SimulatorRequest>>
  /** From now on this is `authHTTPAddress`. */
  readonly authenticateAt: (url: string) => Promise<void>
  /** What is wrong with the control API from now on; `null`: nothing. */
  readonly fault: (fault: Fault | null) => Promise<void>
  /** A new process on the same port: no client is connected. */
  readonly restart: () => Promise<void>
  /** Ends it, and every connection. */
  readonly stop: () => Promise<void>
}

const run = <A>(effect: Effect.Effect<A>): Promise<A> => Effect.runPromise(effect)

const credentialsOf = ({ key, protocol, ...options }: FakePublishOptions): PublishOptions => {
  if (key === undefined) return { ...options, protocol }
  const isBearer = protocol === "webrtc" || protocol === "moq"
  return { ...options, protocol, ...(isBearer ? { token: key } : { user: "publisher", password: key }) }
}

const connected = async (publisher: SimulatedPublisher): Promise<FakePublisher> => ({
  id: publisher.authId,
  protocol: publisher.protocol,
  path: publisher.path,
  admitted: await run(publisher.admitted),
  ready: run(publisher.ready),
  closed: run(publisher.closed),
  unpublish: () => run(Effect.andThen(publisher.drop, Effect.asVoid(publisher.closed)))
})

export const fakeMediaMtx = async ({ auth, ...options }: FakeMediaMtxOptions = {}): Promise<FakeMediaMtx> => {
  const scope = Scope.makeUnsafe()
  const decide =
    typeof auth === "function"
      ? { authenticate: (question: AuthQuestion) => Effect.promise(async () => (await auth(question)) === true) }
      : auth === undefined
        ? {}
        : { authHttpAddress: auth }
  const server = await run(Scope.provide(SimulatorHttp.make({ ...options, ...decide }), scope))
  const stop = () => run(Effect.andThen(server.stop, Scope.close(scope, Exit.void)))
  return {
    apiUrl: server.apiUrl,
    publish: async (publisher) => connected(await run(server.publishAsked(credentialsOf(publisher)))),
    requests: () => run(server.requests),
    authenticateAt: (url) => run(server.authenticateAt(url)),
    fault: (fault) => run(server.fault(fault)),
    restart: () => run(server.restart),
    stop,
    [Symbol.asyncDispose]: stop
  }
}
