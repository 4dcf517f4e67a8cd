/**
 * What a worker reads: a stream that was admitted here, or a source of the media server's own on `live/<id>/in` (a camera that it pulls). The
 * latter has no session and no id, so it is known by when it came up: one that comes up anew is another source.
 */
import type { StreamId } from "../values/Ids.ts"

export type OwnSource = `own since ${string}`

export type WorkerSource = StreamId | OwnSource

/** `since`: when its path became ready, in the media server's words. */
export const ownSource = (since: string): OwnSource => `own since ${since}`

const isOwn = (source: WorkerSource): source is OwnSource => source.startsWith("own since ")

/** The stream that it is; `null` for a source of the media server's own. */
export const streamOf = (source: WorkerSource): StreamId | null => (isOwn(source) ? null : source)
