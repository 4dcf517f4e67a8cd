/** Where a worker reads and publishes. The key is part of the URLs, because that is where media tools expect it. */
import { Redacted } from "effect"
import type { KeyValue } from "../access/StreamKey.ts"
import type { StreamKeyId } from "../values/Ids.ts"
import { type PipelineId, pipelinePath } from "./PipelinePath.ts"

/** Bases by which workers reach the media server: `rtsp://127.0.0.1:8554`, `rtmp://127.0.0.1:1935`. */
export interface WorkerAddresses {
  readonly rtsp: string
  readonly rtmp: string
}

const below = (base: string, path: string): string => `${base.replace(/\/+$/, "")}/${path}`

const withKey = (url: string, key: KeyValue): string => url.replace("://", () => `://worker:${Redacted.value(key)}@`)

/** The key is asked for where the source is private; by `worker`, the key's id, the session is known as a worker's where it is not. */
export const workerInput = (
  { rtsp }: WorkerAddresses,
  id: PipelineId,
  keyId: StreamKeyId,
  key: KeyValue
): Redacted.Redacted<string> => Redacted.make(`${withKey(below(rtsp, pipelinePath(id, "in")), key)}?worker=${keyId}`)

export const workerOutput = ({ rtsp }: WorkerAddresses, id: PipelineId, key: KeyValue): Redacted.Redacted<string> =>
  Redacted.make(withKey(below(rtsp, pipelinePath(id, "out")), key))

export const workerRtmpOutput = ({ rtmp }: WorkerAddresses, id: PipelineId, key: KeyValue): Redacted.Redacted<string> =>
  Redacted.make(`${below(rtmp, pipelinePath(id, "out"))}?user=worker&pass=${Redacted.value(key)}`)
