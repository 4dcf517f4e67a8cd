/** Random snapshots of a media server, and what else the domain knows of one. */
import {
  type EnabledProtocols,
  type Hook,
  type ListedPath,
  type ListedReader,
  type ListedSource,
  type MediaServerFacts,
  type MediaServerSnapshot,
  type OwnPath,
  type PassSummary,
  type PipelineId,
  type PublicEndpoints,
  recommendedFacts,
  sourceTypes,
  ViewerProtocol,
  type WorkerStateName,
  workerStates
} from "@greenroom/core"
import { Arbitrary } from "effect"
import { boolean, element, integer, joined, maybe, oneOf } from "./draw.ts"
import { observations, protocol, sourceIds } from "./streamValues.ts"
import { validPaths } from "./text.ts"

export const listedSources: Arbitrary.Arbitrary<ListedSource> = Arbitrary.all({
  id: sourceIds,
  protocol,
  state: element(["publish", "idle", "read"]),
  established: element([true, true, false]),
  path: maybe(validPaths)
})

export const listedPaths: Arbitrary.Arbitrary<ListedPath> = Arbitrary.map(
  Arbitrary.all({
    name: validPaths,
    ready: element([true, true, false]),
    of: protocol,
    sourceId: sourceIds,
    observation: observations
  }),
  ({ of, ...path }) => ({ ...path, sourceType: sourceTypes[of] })
)

export const ownPaths: Arbitrary.Arbitrary<OwnPath> = Arbitrary.all({
  name: validPaths,
  since: element(["2026-11-21T01:33:14Z", "2026-11-21T01:33:15Z"])
})

export const listedReaders: Arbitrary.Arbitrary<ListedReader> = Arbitrary.all({
  protocol: element(ViewerProtocol.literals),
  id: sourceIds,
  path: validPaths
})

/** Lists that need not agree with each other, as those of a media server that changes while it is read. */
export const mediaServerSnapshots: Arbitrary.Arbitrary<MediaServerSnapshot> = Arbitrary.all({
  started: element(["this process", "another process"]),
  sources: Arbitrary.array(listedSources, { maxLength: 8 }),
  paths: Arbitrary.array(listedPaths, { maxLength: 8 }),
  ownPaths: Arbitrary.array(ownPaths, { maxLength: 2 }),
  readers: Arbitrary.array(listedReaders, { maxLength: 8 })
})

export const mediaServerFacts: Arbitrary.Arbitrary<MediaServerFacts> = Arbitrary.all({
  version: element([recommendedFacts.version, "v1.9.3", "v1.19.3", null]),
  authMethod: element(["http", "internal", "jwt", null]),
  authExcludes: Arbitrary.array(element(["publish", "read", "playback", "api", "metrics", "pprof"] as const), {
    maxLength: 2
  }),
  moq: element(["off", "on", "on, but not listed"]),
  overridePublisher: element([true, false, null]),
  readTimeoutMillis: element([4_000, 10_000, null]),
  hlsSegmentMillis: element([1_000, 6_000, null]),
  rtspOverUdp: boolean
})

export const passSummaries: Arbitrary.Arbitrary<PassSummary> = Arbitrary.all({
  publishers: integer(0, 100),
  unauthorized: integer(0, 100),
  kicked: integer(0, 100),
  reported: integer(0, 100),
  heldBack: integer(0, 100),
  enforced: boolean
})

export const hooks: Arbitrary.Arbitrary<Hook> = Arbitrary.all({
  kind: element(["ready", "not_ready"]),
  path: validPaths,
  sourceId: oneOf<string | undefined>([sourceIds, element([undefined])]),
  sourceType: oneOf<string | undefined>([Arbitrary.map(protocol, (of) => sourceTypes[of]), element([undefined, "x"])]),
  protected: boolean
})

export const enabledProtocols: Arbitrary.Arbitrary<EnabledProtocols> = Arbitrary.all({
  hls: boolean,
  webrtc: boolean,
  rtmp: boolean,
  rtsp: boolean,
  srt: boolean
})

const endpoint = (url: string) => element([null, url])

export const publicEndpoints: Arbitrary.Arbitrary<PublicEndpoints> = Arbitrary.all({
  hls: endpoint("https://media.example.com"),
  webrtc: endpoint("https://media.example.com"),
  rtmp: endpoint("rtmp://media.example.com"),
  rtsp: endpoint("rtsp://media.example.com:8554"),
  srt: endpoint("srt://media.example.com:8890")
})

export const pipelineIds: Arbitrary.Arbitrary<PipelineId> = Arbitrary.map(
  joined(element([..."a1-_Z"]), 1, 12),
  (id) => id as PipelineId
)

export const workerStateNames: Arbitrary.Arbitrary<WorkerStateName> = element(workerStates)
