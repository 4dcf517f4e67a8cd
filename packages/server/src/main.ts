#!/usr/bin/env node
import { enableCompileCache } from "node:module"

// What is imported below starts in two thirds of the time from its second start on.
enableCompileCache()
const { Effect } = await import("effect")
const { runProcess } = await import("./cli/runProcess.ts")

/** Loaded only by the commands that need it: `greenroom --help` starts without a database driver. */
const composition = Effect.promise(() => import("./composition/commands.ts"))

runProcess({
  serve: Effect.flatMap(composition, ({ serve }) => serve),
  migrate: Effect.flatMap(composition, ({ migrate }) => migrate)
})
