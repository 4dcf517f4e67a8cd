/** Clients that connect to a simulated MediaMTX, are asked about, and can be waited for. */
import { Deferred, Duration, Effect, type Scope } from "effect"
import { queryOf } from "./AuthQuestion.ts"
import type { AuthQueue } from "./authQueue.ts"
import { familyOf } from "./families.ts"
import { defaultTracks, type PublishOptions, type ReadOptions } from "./Publisher.ts"
import { randomUuid } from "./randomUuid.ts"
import type { SimulatorState } from "./SimulatorState.ts"
import * as World from "./World.ts"

interface Awaited {
  readonly closed: Deferred.Deferred<World.CloseReason>
  readonly ready: Deferred.Deferred<boolean>
}

/** What is waited for of each connection, by its id, is done when it happens. */
const makeAwaited = ({ observe }: SimulatorState) => {
  const awaited = new Map<string, Awaited>()
  observe((happening) => {
    const id = happening._tag === "Closed" ? happening.id : happening.connection.id
    const one = awaited.get(id)
    if (one === undefined) return
    if (happening._tag === "Ready") Deferred.doneUnsafe(one.ready, Effect.succeed(true))
    if (happening._tag !== "Closed") return
    Deferred.doneUnsafe(one.ready, Effect.succeed(false))
    Deferred.doneUnsafe(one.closed, Effect.succeed(happening.reason))
    awaited.delete(id)
  })
  return awaited
}

type Options = Omit<PublishOptions, "protocol"> & ReadOptions

const readyAfterOf = ({ stall, readyAfter }: Options) => {
  if (stall) return { readyAfter: null }
  return readyAfter === undefined ? {} : { readyAfter: Duration.toMillis(readyAfter) }
}

const connectionOf = Effect.fnUntraced(function* (
  options: Options,
  action: "publish" | "read"
): Effect.fn.Return<World.NewConnection> {
  const { protocol, path, user = "", tracks = defaultTracks, ip, isCdn } = options
  const id = options.id ?? (yield* randomUuid)
  const family = familyOf(protocol)
  const other = family === "rtsp" || family === "hls" ? { connectionId: yield* randomUuid } : {}
  const from = { ...(ip === undefined ? {} : { ip }), ...(isCdn === undefined ? {} : { isCdn }) }
  const query = queryOf(options)
  return { id, protocol, action, path, query, user, tracks, ...other, ...from, ...readyAfterOf(options) }
})

const presentedBy = ({ user, password, token, query, ip }: Options) =>
  Object.fromEntries(
    Object.entries({ user, password, token, query, ip }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined
    )
  )

export const makeConnect = (state: SimulatorState, queue: AuthQueue, scope: Scope.Scope) => {
  const { change, until } = state
  const awaited = makeAwaited(state)
  /** Waits along with the world's own times, so that what is waited for happens. */
  const progress = until<never>(() => undefined)

  const clientOf = (id: string, authId: string, { path }: Options, one: Awaited) => {
    const act = (step: (world: World.World, now: number, id: string) => World.World) =>
      Effect.asVoid(change((now, at) => step(now, at, id)))
    return {
      id,
      authId,
      path,
      ready: Effect.raceFirst(Deferred.await(one.ready), progress),
      closed: Effect.raceFirst(Deferred.await(one.closed), progress),
      drop: act(World.leave),
      kill: act(World.kill),
      freeze: act(World.freeze),
      thaw: act(World.thaw),
      pause: act(World.pause),
      record: act(World.record)
    }
  }

  /** `wait`: until its auth was answered. */
  return Effect.fnUntraced(function* <P extends Options["protocol"]>(
    options: Options & { readonly protocol: P },
    action: "publish" | "read",
    wait: boolean
  ) {
    const { protocol, path } = options
    const connection = yield* connectionOf(options, action)
    const { id } = connection
    const admitted = yield* Deferred.make<boolean>()
    const one: Awaited = { closed: yield* Deferred.make<World.CloseReason>(), ready: yield* Deferred.make<boolean>() }
    for (const known of [id, connection.connectionId ?? id]) awaited.set(known, one)
    const { connections } = yield* change((now, at) => World.connect(now, at, connection))
    const authId = connections.get(id)?.authId ?? id
    const otherId = connection.connectionId ?? id
    let session = { id, authId }
    const letIn = Effect.as(
      change((now, at) => World.answer(now, at, id, true)),
      true
    )
    const ask = Effect.map(
      queue.ask(id, { ...presentedBy(options), id: authId, otherId, action, protocol, path }),
      (allowed) => {
        if (protocol === "hls" && typeof allowed?.id === "string") session = { id: allowed.id, authId: allowed.id }
        return allowed !== null
      }
    )
    const isUnasked = options.unasked === true || options.isCdn === true
    const asking = !connections.has(id) ? Effect.succeed(false) : isUnasked ? letIn : ask
    const answered = Effect.flatMap(asking, (allowed) => Deferred.succeed(admitted, allowed))
    yield* wait ? answered : Effect.forkIn(answered, scope, { startImmediately: true })
    const client = clientOf(session.id, session.authId, options, one)
    return { ...client, protocol: options.protocol, admitted: Deferred.await(admitted) }
  })
}
