/** All laws of all repositories: what a store must pass to stand behind the core. */
import type { LawSuite } from "../LawSuite.ts"
import { admissionRacesLaws } from "./admissionRacesLaws.ts"
import { admissionsLaws } from "./admissionsLaws.ts"
import { apiTokensLaws } from "./apiTokensLaws.ts"
import { auditLogLaws } from "./auditLogLaws.ts"
import { authDecisionsLaws } from "./authDecisionsLaws.ts"
import { broadcastersLaws } from "./broadcastersLaws.ts"
import type { StoreUnderTest, StoreWorld } from "./contract.ts"
import { eventsLaws } from "./eventsLaws.ts"
import { externalIdsLaws } from "./externalIdsLaws.ts"
import { keyRotationLaws } from "./keyRotationLaws.ts"
import { leasesLaws } from "./leasesLaws.ts"
import { modelLaws } from "./modelLaws.ts"
import { playbackLaws } from "./playbackLaws.ts"
import { playbackTokensLaws } from "./playbackTokensLaws.ts"
import { retentionLaws } from "./retentionLaws.ts"
import { sessionsLaws } from "./sessionsLaws.ts"
import { signingKeysLaws } from "./signingKeysLaws.ts"
import { storeHealthLaws } from "./storeHealthLaws.ts"
import { streamKeysLaws } from "./streamKeysLaws.ts"
import { streamsLaws } from "./streamsLaws.ts"
import { viewersLaws } from "./viewersLaws.ts"
import { webhookEndpointsLaws } from "./webhookEndpointsLaws.ts"
import { workersLaws } from "./workersLaws.ts"

export const repositoriesLaws = (store: StoreUnderTest): ReadonlyArray<LawSuite<StoreWorld>> => [
  broadcastersLaws(store),
  externalIdsLaws(store),
  streamKeysLaws(store),
  keyRotationLaws(store),
  admissionsLaws(store),
  admissionRacesLaws(store),
  authDecisionsLaws(store),
  sessionsLaws(store),
  streamsLaws(store),
  leasesLaws(store),
  playbackLaws(store),
  playbackTokensLaws(store),
  signingKeysLaws(store),
  viewersLaws(store),
  webhookEndpointsLaws(store),
  workersLaws(store),
  retentionLaws(store),
  eventsLaws(store),
  apiTokensLaws(store),
  auditLogLaws(store),
  storeHealthLaws(store),
  modelLaws(store)
]
