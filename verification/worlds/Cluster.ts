/**
 * What the scenarios of faults need beside a deployment: one or more Greenrooms on one database, a relay through which the media server
 * asks them, a relay through which they look at it, and the controls of each.
 */
import { Context, Effect, type Scope } from "effect"
import { type DatabaseControls, database } from "./database.ts"
import { type HttpRelay, httpRelay } from "./HttpRelay.ts"
import { temporaryFolder } from "./processes.ts"
import { authAddress, prepareService, type RunningService } from "./runService.ts"
import type { Target } from "./Target.ts"
import type { Encoder } from "./TestDeployment.ts"

/** An RTSP publisher that goes step by step. */
export interface StepwiseEncoder extends Encoder {
  readonly record: Effect.Effect<void>
  readonly pause: Effect.Effect<void>
}

/** What only the clusters' media servers are asked to show, the real one and the simulator. */
export interface Stagecraft {
  /** Announces over RTSP, and waits. */
  readonly announce: (target: Target) => Effect.Effect<StepwiseEncoder, never, Scope.Scope>
  /** So many readers of the path, over RTSP; returns when they are connected. */
  readonly crowd: (path: string, size: number) => Effect.Effect<void, never, Scope.Scope>
  /** The publishers that the media server itself lists, by path: ids of their sources. */
  readonly published: Effect.Effect<ReadonlyMap<string, string>>
  /** How long the media server waits for the answer about a client, in milliseconds. */
  readonly authTimeout: number
  /** Ends it as an operator does. */
  readonly stop: Effect.Effect<void>
  /**
   * An RTSP publisher on the path that no list of sessions shows and no kick reaches; `false` when it could not be brought about.
   * The target's key is good.
   */
  readonly zombie: (target: Target) => Effect.Effect<boolean, never, Scope.Scope>
}

export class Cluster extends Context.Service<
  Cluster,
  {
    /** The first is the deployment's own. */
    readonly instances: ReadonlyArray<RunningService>
    /** Between the media server and the instances that it asks. */
    readonly relay: HttpRelay
    /** Between the instances and the control API. */
    readonly controlApi: HttpRelay
    readonly database: DatabaseControls
    readonly stage: Stagecraft
  }
>()("greenroom/test/Cluster") {}

export interface ClusterOptions {
  /** A variable of each instance's environment. */
  readonly instances: ReadonlyArray<Readonly<Record<string, string>>>
}

/** The database runs and the relays listen; the instances do not run yet. */
export const prepareCluster = Effect.fnUntraced(function* (
  { instances: environments }: ClusterOptions,
  environment: () => Readonly<Record<string, string>>
) {
  const relay = yield* httpRelay
  const controlApi = yield* httpRelay
  const db = yield* database(`${yield* temporaryFolder}/postgres`)
  const instances = yield* Effect.forEach(environments, (own) =>
    prepareService(
      () => ({
        HOST: "127.0.0.1",
        DATABASE_URL: db.url,
        MEDIAMTX_API_URL: `http://127.0.0.1:${controlApi.port}`,
        ...environment(),
        ...own
      }),
      db.directory
    )
  )
  yield* relay.leadTo(...instances.map(({ port }) => port))
  return {
    instances,
    relay,
    controlApi,
    database: db,
    authAddress: authAddress(relay.port),
    /** One after the other: the first brings the schema up to date. */
    start: Effect.forEach(instances, ({ start }) => start, { discard: true })
  }
})

const HOLDER = /:(\d+):[0-9a-f-]+$/

/** The instance that holds the lease, whether or not it still lives. */
export const leader = Effect.gen(function* () {
  const { database: db, instances } = yield* Cluster
  const [row] = yield* db.query("select holder from leases where until > clock_timestamp()")
  const pid = Number(HOLDER.exec(String(row?.holder))?.[1])
  return instances.find((instance) => instance.pid() === pid)
})
