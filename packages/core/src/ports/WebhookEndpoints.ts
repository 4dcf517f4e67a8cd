/**
 * The webhook endpoints and how far their deliveries are. Laws:
 * - there are at most `WEBHOOK_ENDPOINTS_MAX`; a new one begins after the newest event. `position` moves back only by `change` with `from`;
 * - every change of an endpoint (`change`, `rotateSecret`) gives it another `revision`, and every change of `enabled` another `generation`;
 * - at no time do two holders hold an endpoint; only those that are enabled are leased. A holder that lost its lease and gets it again has another
 *   `lease` when it was free or another's in between;
 * - `settle` writes all of a settlement or nothing: nothing without the lease, or by an earlier one; nothing when the endpoint is of another generation
 *   or gone; and nothing when the log is another one, or ends before the position: the store is then another than the one that was read;
 * - enabled again without `from` it goes on where it stopped; with `from` its held subjects are dropped. Either way it is not stopped and not failing;
 * - when an endpoint is disabled by `settle`, its event `webhook_endpoint.disabled` is in the event log in the same atomic step, once;
 * - a held subject is one record; they go with their endpoint. Its holder holds at most `HELD_SUBJECTS_MAX`;
 * - of deliveries the newest `SUCCESSES_KEPT` that succeeded and the newest `FAILURES_KEPT` others are kept, pruned by the write itself;
 * - the previous secret is given for `PREVIOUS_SECRET_VALID_MS`, and then never again.
 * All times are of the database's clock; durations go in and out in milliseconds.
 */
import type { Effect, Option } from "effect"
import type { LogId, LogPosition } from "../domain/events/EventCursor.ts"
import type { BroadcasterId, WebhookEndpointId } from "../domain/values/Ids.ts"
import type { NewDelivery, WebhookDelivery } from "../domain/webhooks/WebhookDelivery.ts"
import type { DisabledReason, WebhookEndpoint, WebhookTypes, WebhookUrl } from "../domain/webhooks/WebhookEndpoint.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

/** A secret as the store has it: encrypted by `SecretCipher`, at most 512 bytes. */
export type EncryptedSecret = Uint8Array

export interface WebhookEndpointFields {
  readonly url: WebhookUrl
  readonly types: WebhookTypes | null
  readonly broadcasterId: BroadcasterId | null
  readonly description: string | null
  readonly enabled: boolean
}

export interface WebhookEndpointChanges extends Partial<WebhookEndpointFields> {
  /** Applies when the change enables the endpoint. A position is one that the log has had: at most the newest. */
  readonly from?: "now" | LogPosition
}

export type CreateEndpointOutcome =
  | { readonly _tag: "Created"; readonly endpoint: WebhookEndpoint }
  | { readonly _tag: "TooMany" }

/** Until it is delivered, later events of the subject wait. */
export interface HeldSubject {
  readonly subject: string
  /** The subject's first event from here on is next. */
  readonly position: LogPosition
  /** Attempts that were made on the event; 0 when the next one is the first. */
  readonly attempt: number
  /** Until the next attempt; at most 0 when it is due. */
  readonly dueInMillis: number
}

/** The whole endpoint is stopped: one attempt is made when it is due. */
export interface EndpointStop {
  /** Attempts that failed in a row since it is stopped. */
  readonly attempt: number
  readonly dueInMillis: number
}

/** An endpoint and what its holder needs for deliveries. */
export interface LeasedEndpoint {
  readonly endpoint: WebhookEndpoint
  /** Another one after each change: its holder begins anew. */
  readonly revision: number
  /** Another one after it was disabled or enabled: what was sent before then counts no more. */
  readonly generation: number
  /** Another one each time that a holder takes the endpoint: what it knows of before then may be out of date. */
  readonly lease: number
  /** The current one first, then the previous one while it is valid. */
  readonly secrets: ReadonlyArray<EncryptedSecret>
  readonly stop: EndpointStop | null
  /** Since the first failure after the last success; `null` when there is none. */
  readonly failingForMillis: number | null
}

/** By whom a settlement is written, and on what grounds. */
export interface SettledBy extends Pick<LeasedEndpoint, "generation" | "lease"> {
  readonly holder: string
  /** The log that the events were read from. */
  readonly log: LogId
}

/** What a holder has done on an endpoint since its last settlement. */
export interface Settlement {
  readonly position: LogPosition
  /** Replace the records of these subjects. */
  readonly held: ReadonlyArray<HeldSubject>
  /** Subjects whose records go. */
  readonly released: ReadonlyArray<string>
  /** As it is from now on. */
  readonly stop: EndpointStop | null
  /** As it is from now on: since the first failure after the last success; `null` after a success. */
  readonly failingForMillis: number | null
  /** In the order of the attempts. */
  readonly deliveries: ReadonlyArray<NewDelivery>
  /** Disables the endpoint and writes its event. */
  readonly disable: DisabledReason | null
}

export interface WebhookEndpointsPort {
  readonly create: (
    id: WebhookEndpointId,
    fields: WebhookEndpointFields,
    secret: EncryptedSecret
  ) => Effect.Effect<CreateEndpointOutcome, StoreUnavailable>
  /** All, oldest first. */
  readonly list: Effect.Effect<ReadonlyArray<WebhookEndpoint>, StoreUnavailable>
  readonly find: (id: WebhookEndpointId) => Effect.Effect<Option.Option<WebhookEndpoint>, StoreUnavailable>
  /** Its secrets: the current one first, then the previous one while it is valid. */
  readonly secrets: (
    id: WebhookEndpointId
  ) => Effect.Effect<Option.Option<ReadonlyArray<EncryptedSecret>>, StoreUnavailable>
  /** Changes what is given and `updatedAt`. */
  readonly change: (
    id: WebhookEndpointId,
    changes: WebhookEndpointChanges
  ) => Effect.Effect<Option.Option<WebhookEndpoint>, StoreUnavailable>
  /** Whether there was one to remove. Its held subjects and deliveries go with it. */
  readonly remove: (id: WebhookEndpointId) => Effect.Effect<boolean, StoreUnavailable>
  /** The current secret becomes the previous one; the one before that is dropped. */
  readonly rotateSecret: (
    id: WebhookEndpointId,
    secret: EncryptedSecret
  ) => Effect.Effect<Option.Option<WebhookEndpoint>, StoreUnavailable>
  /** Newest first by `(at, id)`. None of an endpoint that is not there. */
  readonly deliveries: (
    id: WebhookEndpointId,
    page: PageRequest
  ) => Effect.Effect<Page<WebhookDelivery>, StoreUnavailable>
  /** Records attempts outside the order: tests and redeliveries. Does nothing when the endpoint is gone. */
  readonly record: (
    id: WebhookEndpointId,
    deliveries: ReadonlyArray<NewDelivery>
  ) => Effect.Effect<void, StoreUnavailable>
  /**
   * Takes free endpoints for `ttlMillis` from now, at most so many that the holder has `most`, and renews those of the holder that end in less than
   * `renewMillis`. All that the holder holds then.
   */
  readonly lease: (
    holder: string,
    lease: { readonly ttlMillis: number; readonly renewMillis: number; readonly most: number }
  ) => Effect.Effect<ReadonlyArray<LeasedEndpoint>, StoreUnavailable>
  /** Gives up all that the holder holds, so that another instance need not wait. */
  readonly release: (holder: string) => Effect.Effect<void, StoreUnavailable>
  /** In the order of their positions. */
  readonly held: (id: WebhookEndpointId) => Effect.Effect<ReadonlyArray<HeldSubject>, StoreUnavailable>
  /** Whether it was written. */
  readonly settle: (
    id: WebhookEndpointId,
    by: SettledBy,
    settlement: Settlement
  ) => Effect.Effect<boolean, StoreUnavailable>
}

export class WebhookEndpoints extends port("webhookEndpoints") {}
