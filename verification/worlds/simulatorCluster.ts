/** A cluster in front of the simulator. */
import { SimulatorHttp, World } from "@greenroom/mediamtx-simulator"
import { Context, Effect, Layer } from "effect"
import { Cluster, type ClusterOptions, prepareCluster, type Stagecraft } from "./Cluster.ts"
import { clientOf, connector, deploymentOn, publicUrls, times } from "./simulatorDeployment.ts"
import { TestDeployment } from "./TestDeployment.ts"

const stagecraft = (simulator: SimulatorHttp.SimulatorServer): Stagecraft => {
  const connect = connector(simulator)
  return {
    announce: Effect.fnUntraced(function* (target) {
      const { publisher, encoder } = yield* connect({ ...clientOf(target), stall: true }, "rtsp")
      yield* publisher.admitted
      return { ...encoder, record: publisher.record, pause: publisher.pause }
    }),
    crowd: (path, size) =>
      Effect.forEach(
        Array.from({ length: size }),
        () => Effect.acquireRelease(simulator.read({ protocol: "rtsp", path }), ({ drop }) => drop),
        { discard: true }
      ),
    published: Effect.map(simulator.world, (world) => {
      const connections = [
        ...world.connections.values(),
        ...[...world.ghosts.values()].map((ghost) => ghost.connection)
      ]
      return new Map(
        connections.filter(({ phase }) => phase._tag === "Publishing").map(({ path, id }) => [path, id] as const)
      )
    }),
    authTimeout: times.authTimeout,
    stop: simulator.stop,
    zombie: Effect.fnUntraced(function* (target) {
      const { publisher } = yield* connect({ ...clientOf(target), readyAfter: 1_000 }, "rtsp")
      yield* publisher.admitted
      yield* simulator.media.change((world, now) => World.kick(world, now, publisher.id))
      return true
    })
  }
}

export const layer = (options: ClusterOptions) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const simulator = yield* SimulatorHttp.make(times)
      const { start, authAddress, ...cluster } = yield* prepareCluster(options, () => publicUrls)
      yield* cluster.controlApi.leadTo(Number(new URL(simulator.apiUrl).port))
      yield* simulator.authenticateAt(authAddress)
      yield* start
      return Context.make(TestDeployment, deploymentOn(simulator, cluster.instances[0]!, cluster.instances)).pipe(
        Context.add(Cluster, { ...cluster, stage: stagecraft(simulator) })
      )
    })
  )
