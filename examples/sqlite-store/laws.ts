/** The store keeps the laws of Greenroom's repositories, under Node's own test runner. `npm test` */
import { after, describe, it } from "node:test"
import { BackDoor, type PrunedUsage, registerLaws, repositoriesLaws } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { layer } from "./src/layer.ts"
import { layerSqlite, Sqlite } from "./src/Sqlite.ts"

type Row = Omit<PrunedUsage, "byWorker"> & { readonly byWorker: number }

/** What the laws do behind the ports. The store reads Effect's clock, so its history ages with the test's. */
const backDoor = Layer.effect(
  BackDoor,
  Effect.map(Sqlite, ({ read }) => ({
    age: (days) => TestClock.adjust(days * 86_400_000),
    prunedUsage: (of) =>
      read("the test", ({ all }) =>
        all<Row>(
          'select day, by_worker as "byWorker", streams, seconds, bytes from pruned_usage where broadcaster_id = ?',
          of
        ).map(({ byWorker, ...usage }): PrunedUsage => ({ ...usage, byWorker: byWorker === 1 }))
      ).pipe(Effect.orDie)
  }))
)

const store = Layer.merge(layer, backDoor).pipe(Layer.provide(layerSqlite(":memory:")))

registerLaws(repositoriesLaws({ name: "SQLite", layer: store, clock: "test" }), { describe, it, afterAll: after })
