/**
 * The store, whole. Its ports rely on each other: `Sessions` writes for the leader only while `Leases` of the same store has it, `Admissions` reads what
 * `StreamKeys` wrote. So they come together: `Repositories` is the one service that a store provides, and a port is how one reads its part
 * of it. A port cannot be provided alone. `replacePorts` replaces some on purpose.
 */
import { Context, Effect, Effectable, Exit, Layer } from "effect"
import type { AdmissionsPort } from "./Admissions.ts"
import type { ApiTokensPort } from "./ApiTokens.ts"
import type { AuditLogPort } from "./AuditLog.ts"
import type { AuthDecisionsPort } from "./AuthDecisions.ts"
import type { BroadcastersPort } from "./Broadcasters.ts"
import type { EventsPort } from "./Events.ts"
import type { LeasesPort } from "./Leases.ts"
import type { PlaybackTokensPort } from "./PlaybackTokens.ts"
import type { RetentionPort } from "./Retention.ts"
import type { SessionsPort } from "./Sessions.ts"
import type { SigningKeysPort } from "./SigningKeys.ts"
import type { StoreHealthPort } from "./StoreHealth.ts"
import type { StreamKeysPort } from "./StreamKeys.ts"
import type { StreamsPort } from "./Streams.ts"
import type { ViewersPort } from "./Viewers.ts"
import type { WebhookEndpointsPort } from "./WebhookEndpoints.ts"
import type { WorkersPort } from "./Workers.ts"

/** Every port of a store, by its name. */
export interface StorePorts {
  readonly admissions: AdmissionsPort
  readonly apiTokens: ApiTokensPort
  readonly auditLog: AuditLogPort
  readonly authDecisions: AuthDecisionsPort
  readonly broadcasters: BroadcastersPort
  readonly events: EventsPort
  readonly leases: LeasesPort
  readonly playbackTokens: PlaybackTokensPort
  readonly retention: RetentionPort
  readonly sessions: SessionsPort
  readonly signingKeys: SigningKeysPort
  readonly storeHealth: StoreHealthPort
  readonly streamKeys: StreamKeysPort
  readonly streams: StreamsPort
  readonly viewers: ViewersPort
  readonly webhookEndpoints: WebhookEndpointsPort
  readonly workers: WorkersPort
}

export class Repositories extends Context.Service<Repositories, StorePorts>()("greenroom/Repositories") {}

/**
 * The store with some of its ports replaced: for tests, and for a port that passes its calls on. What it gives is a store only if it keeps the laws of
 * `@greenroom/testing` as a whole.
 */
export const replacePorts = (
  replace: (ports: StorePorts) => Partial<StorePorts>
): Layer.Layer<Repositories, never, Repositories> =>
  Layer.effect(
    Repositories,
    Effect.map(Repositories, (ports) => ({ ...ports, ...replace(ports) }))
  )

/** A port of the store in the context, as an effect; `Service` is its type. Not a key: a port cannot be provided. */
export interface Port<Shape> extends Effect.Effect<Shape, never, Repositories> {
  new (_: never): { readonly Service: Shape }
  readonly of: (port: Shape) => Shape
}

export const port = <Name extends keyof StorePorts>(name: Name): Port<StorePorts[Name]> => {
  const read = Effectable.Prototype<Effect.Effect<StorePorts[Name], never, Repositories>>({
    label: `Repositories.${name}`,
    evaluate: (fiber) => Exit.succeed(Context.get(fiber.context as Context.Context<Repositories>, Repositories)[name])
  })
  return Object.setPrototypeOf(class {}, Object.assign(read, { of: (shape: StorePorts[Name]) => shape }))
}
