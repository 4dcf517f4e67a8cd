#!/usr/bin/env node
import { Effect } from "effect"
import { runCommandLine } from "./cli/CommandLine.ts"

/** Loaded only by the commands that need it: `greenroom --help` starts without a database driver. */
const composition = Effect.promise(() => import("./composition/commands.ts"))

runCommandLine({
  serve: Effect.flatMap(composition, ({ serve }) => serve),
  migrate: Effect.flatMap(composition, ({ migrate }) => migrate)
})
