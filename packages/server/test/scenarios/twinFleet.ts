/** A fleet in front of the twin. */
import { Context, Effect, Layer } from "effect"
import { TwinServer, World } from "../../../adapters/src/twin/index.ts"
import { Fleet, type FleetOptions, prepareFleet, type Stagecraft } from "./Fleet.ts"
import { clientOf, connector, publicUrls, times, venueOn } from "./twinVenue.ts"
import { Venue } from "./Venue.ts"

const stagecraft = (twin: TwinServer.Twin): Stagecraft => {
  const connect = connector(twin)
  return {
    announce: Effect.fnUntraced(function* (target) {
      const { publisher, encoder } = yield* connect({ ...clientOf(target), stall: true }, "rtsp")
      yield* publisher.admitted
      return { ...encoder, record: publisher.record, pause: publisher.pause }
    }),
    crowd: (path, size) =>
      Effect.forEach(
        Array.from({ length: size }),
        () => Effect.acquireRelease(twin.read({ protocol: "rtsp", path }), ({ drop }) => drop),
        { discard: true }
      ),
    published: Effect.map(twin.world, (world) => {
      const connections = [
        ...world.connections.values(),
        ...[...world.ghosts.values()].map((ghost) => ghost.connection)
      ]
      return new Map(
        connections.filter(({ phase }) => phase._tag === "Publishing").map(({ path, id }) => [path, id] as const)
      )
    }),
    authTimeout: times.authTimeout,
    stop: twin.stop,
    zombie: Effect.fnUntraced(function* (target) {
      const { publisher } = yield* connect({ ...clientOf(target), readyAfter: 1_000 }, "rtsp")
      yield* publisher.admitted
      yield* twin.media.change((world, now) => World.kick(world, now, publisher.id))
      return true
    })
  }
}

export const layer = (options: FleetOptions) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const twin = yield* TwinServer.make(times)
      const { start, authAddress, ...fleet } = yield* prepareFleet(options, () => publicUrls)
      yield* fleet.controlApi.leadTo(Number(new URL(twin.apiUrl).port))
      yield* twin.authenticateAt(authAddress)
      yield* start
      return Context.make(Venue, venueOn(twin, fleet.instances[0]!, fleet.instances)).pipe(
        Context.add(Fleet, { ...fleet, stage: stagecraft(twin) })
      )
    })
  )
