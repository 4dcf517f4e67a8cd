#!/usr/bin/env node
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import { endOnSecondSignal, reported, teardown } from "./composition/lifecycle.ts"
import { logging } from "./composition/logging.ts"
import { serve } from "./composition/serve.ts"
import * as environment from "./config/environment.ts"
import { Settings } from "./config/Settings.ts"

const configured = Layer.provideMerge(Layer.unwrap(Effect.map(Settings, logging)), environment.layer)

endOnSecondSignal()
NodeRuntime.runMain(reported(Effect.provide(serve, configured)), { teardown, disableErrorReporting: true })
