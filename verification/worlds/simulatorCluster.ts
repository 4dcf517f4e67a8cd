/** A cluster in front of the simulator. */
import { World } from "@greenroom/mediamtx-simulator"
import { SimulatorHttp } from "@greenroom/mediamtx-simulator/http"
import { Context, Effect, Layer } from "effect"
import { Cluster, type ClusterOptions, prepareCluster, type Stagecraft } from "./Cluster.ts"
import { clientOf, connector, deploymentOn, publicUrls, times } from "./simulatorDeployment.ts"
import { TestDeployment } from "./TestDeployment.ts"

const COMES_ABOUT_WITHIN_MS = 20_000

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
      // It comes on its path a second after the kick; a test that goes on before would have a publisher of its own replaced by it.
      const came = Effect.map(
        simulator.world,
        ({ ghosts }) => ghosts.get(publisher.id)?.connection.phase._tag === "Publishing"
      )
      const deadline = performance.now() + COMES_ABOUT_WITHIN_MS
      while (!(yield* came)) {
        if (performance.now() > deadline) return false
        yield* Effect.sleep("10 millis")
      }
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
