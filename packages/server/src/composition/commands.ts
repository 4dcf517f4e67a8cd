/** What the command line runs here, with the settings of this process's environment and its way of logging. */
import { Effect, Layer } from "effect"
import * as environment from "../config/environment.ts"
import { Settings } from "../config/Settings.ts"
import { endOnSecondSignal } from "./lifecycle.ts"
import { logging } from "./logging.ts"
import * as Migrate from "./migrate.ts"
import * as Serve from "./serve.ts"

const configured = Layer.provideMerge(Layer.unwrap(Effect.map(Settings, logging)), environment.layer)

export const serve = Effect.andThen(Effect.sync(endOnSecondSignal), Effect.provide(Serve.serve, configured))

export const migrate = Effect.provide(Migrate.migrate, configured)
