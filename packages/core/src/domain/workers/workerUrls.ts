/** Where a worker reads and publishes. The key is part of the output's URL, because that is where media tools expect it. */
import { Redacted } from "effect"
import type { KeyValue } from "../access/StreamKey.ts"
import { type PipelineId, pipelinePath } from "./PipelinePath.ts"

/** Bases by which workers reach the media server: `rtsp://127.0.0.1:8554`, `rtmp://127.0.0.1:1935`. */
export interface WorkerAddresses {
  readonly rtsp: string
  readonly rtmp: string
}

const below = (base: string, path: string): string => `${base.replace(/\/+$/, "")}/${path}`

export const workerInput = ({ rtsp }: WorkerAddresses, id: PipelineId): string => below(rtsp, pipelinePath(id, "in"))

export const workerOutput = ({ rtsp }: WorkerAddresses, id: PipelineId, key: KeyValue): Redacted.Redacted<string> =>
  Redacted.make(below(rtsp, pipelinePath(id, "out")).replace("://", () => `://worker:${Redacted.value(key)}@`))

export const workerRtmpOutput = ({ rtmp }: WorkerAddresses, id: PipelineId, key: KeyValue): Redacted.Redacted<string> =>
  Redacted.make(`${below(rtmp, pipelinePath(id, "out"))}?user=worker&pass=${Redacted.value(key)}`)
