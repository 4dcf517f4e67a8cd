/** What the command line runs here, with the settings of this process's environment and its way of logging. */
import { Effect, Layer, References } from "effect"
import * as environment from "../config/environment.ts"
import { telemetryOf } from "../config/OpenTelemetry.ts"
import { Settings } from "../config/Settings.ts"
import { endOnSecondSignal } from "./lifecycle.ts"
import { logging } from "./logging.ts"
import * as Migrate from "./migrate.ts"
import * as Serve from "./runService.ts"

/** Where spans go nowhere, none is made: one costs about 5 µs, and a statement has one of its own. */
const notTraced = Layer.mergeAll(
  Layer.succeed(References.TracerEnabled, false),
  Layer.succeed(References.TracerTimingEnabled, false)
)

const tracing = Layer.unwrap(
  Effect.flatMap(Settings, (settings) => {
    const it = telemetryOf(settings)
    return it === null
      ? Effect.succeed(notTraced)
      : Effect.map(
          Effect.promise(() => import("./telemetry.ts")),
          ({ telemetry }) => telemetry(it)
        )
  })
)

const configured = tracing.pipe(
  Layer.provideMerge(Layer.unwrap(Effect.map(Settings, logging))),
  Layer.provideMerge(environment.layer)
)

/** Runs the service until it is interrupted. Fails only before it is ready, with one sentence. */
export const serve = Effect.andThen(Effect.sync(endOnSecondSignal), Effect.provide(Serve.serve, configured))

/** Brings the schema of the database up to date, and ends. `print`: shows the SQL of what is pending, and changes nothing. */
export const migrate = (options: { readonly print: boolean }) => Effect.provide(Migrate.migrate(options), configured)
