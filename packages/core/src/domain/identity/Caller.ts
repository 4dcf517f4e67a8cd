/** Who runs a use case. The audit log names the caller, and a caller that is limited to a broadcaster meets no other's things. */
import type { ApiTokenId, BroadcasterId } from "../values/Ids.ts"
import { allows, type Scope } from "./Scope.ts"

/** With which credential somebody acted. */
export type Actor =
  | { readonly _tag: "Secret" }
  | { readonly _tag: "Token"; readonly id: ApiTokenId; readonly name: string }
  /** The program that embeds Greenroom. */
  | { readonly _tag: "Application"; readonly name: string | null }
  /** Without a credential, or with one that was refused. */
  | { readonly _tag: "Unknown" }

/** How actors are called in the audit log. */
export const actorTypes = ["secret", "token", "application", "unknown"] as const
export type ActorType = (typeof actorTypes)[number]

/** The actor's kind as one word. */
export const actorType = (actor: Actor): ActorType => actor._tag.toLowerCase() as ActorType

/** Where a request came from. */
export interface RequestOrigin {
  readonly requestId: string | null
  readonly address: string | null
  readonly userAgent: string | null
}

export interface Caller {
  readonly actor: Actor
  readonly scopes: ReadonlyArray<Scope>
  /** Only things of this broadcaster exist for the caller; `null`: all do. */
  readonly only: BroadcasterId | null
  readonly origin: RequestOrigin
}

/** Of a caller in the same process. */
export const noOrigin: RequestOrigin = { requestId: null, address: null, userAgent: null }

/** Whether the caller has the scope. */
export const mayDo = ({ scopes }: Pick<Caller, "scopes">, needed: Scope): boolean => allows(scopes, needed)
