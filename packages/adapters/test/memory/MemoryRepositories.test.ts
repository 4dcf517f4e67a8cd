/** The repositories in memory keep the laws of all repositories. */
import { BackDoor, registerLaws, repositoriesLaws } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { afterAll, describe, it } from "vitest"
import * as Memory from "../../src/memory/MemoryRepositories.ts"
import { MemoryStore } from "../../src/memory/MemoryStore.ts"

const backDoor = Layer.effect(
  BackDoor,
  Effect.map(MemoryStore, ({ usage }) => ({
    age: (days) => TestClock.adjust(days * 86_400_000),
    prunedUsage: (of) =>
      Effect.sync(() =>
        [...usage.values()]
          .filter(({ broadcasterId }) => broadcasterId === of)
          .map(({ broadcasterId: _, ...rest }) => rest)
      )
  }))
)

registerLaws(repositoriesLaws({ name: "memory", layer: Layer.provideMerge(backDoor, Memory.layer), clock: "test" }), {
  describe,
  it,
  afterAll
})
