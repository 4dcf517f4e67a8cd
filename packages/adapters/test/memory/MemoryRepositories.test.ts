/** The repositories in memory keep the laws of all repositories. */
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Memory from "../../src/memory/MemoryRepositories.ts"
import { MemoryStore } from "../../src/memory/MemoryStore.ts"
import { BackDoor } from "../contract/contract.ts"
import { repositoriesLaws } from "../contract/repositories.laws.ts"

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

repositoriesLaws({ name: "memory", layer: Layer.provideMerge(backDoor, Memory.layer), live: false })
