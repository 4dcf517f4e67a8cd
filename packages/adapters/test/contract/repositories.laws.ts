/** All laws of all repositories: what a store must pass to stand behind the core. */
import { admissionRacesLaws } from "./AdmissionRaces.laws.ts"
import { admissionsLaws } from "./Admissions.laws.ts"
import { broadcastersLaws } from "./Broadcasters.laws.ts"
import type { Store } from "./contract.ts"
import { externalIdsLaws } from "./ExternalIds.laws.ts"
import { leasesLaws } from "./Leases.laws.ts"
import { modelLaws } from "./Model.laws.ts"
import { retentionLaws } from "./Retention.laws.ts"
import { sessionsLaws } from "./Sessions.laws.ts"
import { streamKeysLaws } from "./StreamKeys.laws.ts"
import { streamsLaws } from "./Streams.laws.ts"
import { workersLaws } from "./Workers.laws.ts"

export const repositoriesLaws = (store: Store): void => {
  broadcastersLaws(store)
  externalIdsLaws(store)
  streamKeysLaws(store)
  admissionsLaws(store)
  admissionRacesLaws(store)
  sessionsLaws(store)
  streamsLaws(store)
  leasesLaws(store)
  workersLaws(store)
  retentionLaws(store)
  modelLaws(store)
}
