/** A fleet in front of the simulator. */
import { SimulatorHttp, World } from "@greenroom/mediamtx-simulator"
import { Context, Effect, Layer } from "effect"
import { Fleet, type FleetOptions, prepareFleet, type Stagecraft } from "./Fleet.ts"
import { clientOf, connector, publicUrls, times, venueOn } from "./simulatorVenue.ts"
import { Venue } from "./Venue.ts"

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

export const layer = (options: FleetOptions) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const simulator = yield* SimulatorHttp.make(times)
      const { start, authAddress, ...fleet } = yield* prepareFleet(options, () => publicUrls)
      yield* fleet.controlApi.leadTo(Number(new URL(simulator.apiUrl).port))
      yield* simulator.authenticateAt(authAddress)
      yield* start
      return Context.make(Venue, venueOn(simulator, fleet.instances[0]!, fleet.instances)).pipe(
        Context.add(Fleet, { ...fleet, stage: stagecraft(simulator) })
      )
    })
  )
