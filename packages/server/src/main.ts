#!/usr/bin/env node
import { enableCompileCache } from "node:module"
import { setFlagsFromString } from "node:v8"

/*
 * V8 allocates objects that have often lived long directly in the old generation. Node's sockets come to be such objects, and each then
 * keeps the young objects of its request until the next full collection: a tenth of what is allocated, and most full collections
 * (docs/measurements.md).
 */
setFlagsFromString("--no-allocation-site-pretenuring")

// What is imported below starts in two thirds of the time from its second start on.
enableCompileCache()
const { Effect } = await import("effect")
const { runProcess } = await import("./cli/runProcess.ts")

/** Loaded only by the commands that need it: `greenroom --help` starts without a database driver. */
const composition = Effect.promise(() => import("./composition/commands.ts"))

runProcess({
  serve: Effect.flatMap(composition, ({ serve }) => serve),
  migrate: (options) => Effect.flatMap(composition, ({ migrate }) => migrate(options))
})
