/** Fails the import when this package and core have two copies of `effect`. The package's entries import it first. */
import { requireSameEffect } from "@greenroom/core/internal"
import { Effect, Version } from "effect"

requireSameEffect({
  user: "@greenroom/testing",
  version: Version.getCurrentVersion(),
  identity: Effect.succeed,
  location: () => import.meta.resolve("effect")
})
