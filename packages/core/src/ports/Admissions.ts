/**
 * The door. Laws:
 * - `admit` writes the session and its first event in one atomic step, or nothing. It writes only when, under a lock that a
 *   revocation of the key must wait for, the key is good and fits the path, no session that is open and not superseded has the key or the
 *   path, and no stored session has or had this source id. The same connection asking again gets its session again, while it is not being stopped.
 * - When it writes nothing, `facts` gives `decideAdmission` the reasons, in a new snapshot. `facts` itself never writes: a check must not use a worker's
 *   key up.
 * - An admission that commits after a revocation has committed does not exist, on any instance.
 * - `takeOver` is `admit` for a newcomer that takes the place of others: in the same atomic step the unended sessions of other connections that
 *   are not stopping yet are marked `superseded`, which frees key and path: those of the key that its own was rotated from, on the path, and
 *   where the takeover is of its own key, that key's. When it cannot admit, or the key was taken over since `lastSeen`, it marks none.
 */
import type { Effect, Option } from "effect"
import type { KeyRef } from "../domain/access/AuthDecision.ts"
import type { AdmissionFacts } from "../domain/access/decideAdmission.ts"
import type { Takeover } from "../domain/access/decideTakeover.ts"
import type { KeyHash } from "../domain/access/StreamKey.ts"
import type { Protocol } from "../domain/streams/Protocol.ts"
import type { StreamId, StreamKeyId } from "../domain/values/Ids.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface AdmissionRequest {
  readonly hash: KeyHash
  readonly path: string
  readonly sourceId: string
  readonly protocol: Protocol | null
  /** The id of the session, should it come to be. */
  readonly streamId: StreamId
  /** The path is a worker's output, and workers are on: only a worker's key may publish there. */
  readonly reserved?: boolean
}

/** By the key's hash, as `/auth` asks; or by its id, for people who do not have the key. `sourceId`: `null` when no connection asks. */
export type FactsRequest = Pick<AdmissionRequest, "path"> & { readonly sourceId: string | null } & (
    | { readonly hash: KeyHash; readonly streamKeyId?: undefined }
    | { readonly hash?: undefined; readonly streamKeyId: StreamKeyId }
  )

export interface Admitted {
  readonly streamId: StreamId
  readonly key: KeyRef
  /** The connection had been admitted before. */
  readonly again: boolean
}

export interface AdmissionsPort {
  readonly admit: (request: AdmissionRequest) => Effect.Effect<Option.Option<Admitted>, StoreUnavailable>
  readonly takeOver: (
    request: AdmissionRequest,
    takeover: Takeover
  ) => Effect.Effect<Option.Option<Admitted>, StoreUnavailable>
  readonly facts: (request: FactsRequest) => Effect.Effect<AdmissionFacts, StoreUnavailable>
  /** Ends a session whose source is gone, by the media server's own answer. Ending what has ended changes nothing. */
  readonly endGone: (streamId: StreamId) => Effect.Effect<void, StoreUnavailable>
}

export class Admissions extends port("admissions") {}
