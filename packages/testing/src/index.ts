/**
 * Tests for what embeds or extends Greenroom. The laws of each port, for any test runner (`registerLaws`); a fake MediaMTX with promises
 * (`fakeMediaMtx`); a store of only some ports (`partialStore`). `@greenroom/testing/arbitraries` has random values of the domain,
 * `@greenroom/testing/fast-check` gives them to fast-check, and `@greenroom/testing/fixtures` makes broadcasters, keys and sessions in a store.
 */
import "./effectOfTesting.ts"

export {
  type CloseReason,
  type FakeMediaMtx,
  type FakeMediaMtxOptions,
  type FakePublisher,
  type FakePublishOptions,
  fakeMediaMtx
} from "./fakeMediaMtx.ts"
export { LAW_TIMEOUT_MS, type Law, type LawSuite, registerLaws, type TestRunner } from "./LawSuite.ts"
export { BackDoor, type PrunedUsage, type StoreUnderTest, type StoreWorld } from "./laws/contract.ts"
export { keyGeneratorLaws } from "./laws/keyGeneratorLaws.ts"
export { mediaServerIdLaws } from "./laws/mediaServerIdLaws.ts"
export { type MediaServerUnderTest, mediaServerLaws } from "./laws/mediaServerLaws.ts"
export { mediaServerViewersLaws } from "./laws/mediaServerViewersLaws.ts"
export { repositoriesLaws } from "./laws/repositoriesLaws.ts"
export { type PartialPorts, partialStore } from "./partialStore.ts"
export {
  bringsKey,
  controlApiOf,
  eventually,
  type RawAnswer,
  type Stage,
  type StageDeadlines,
  type StagePublisher,
  type StageReader,
  simulatedProtocols,
  simulatedViewers,
  timed,
  unhurried
} from "./Stage.ts"
export {
  API_PASSWORD,
  type ControlApiAccess,
  type MediaServerClient,
  makeSimulatorStage,
  onSimulator,
  type SimulatorStage
} from "./simulatorStage.ts"
