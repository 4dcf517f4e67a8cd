/** The law of `StoreHealth` on a store that is there. */
import { StoreHealth } from "@greenroom/core"
import { Effect } from "effect"
import { contract, type StoreUnderTest } from "./contract.ts"

export const storeHealthLaws = (store: StoreUnderTest) =>
  contract("StoreHealth", store, (law) => {
    law(
      "a store that is there answers",
      Effect.flatMap(StoreHealth, ({ ping }) => ping)
    )
  })
