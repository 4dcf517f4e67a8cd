/** What an API token may do. A scope that writes also reads; `admin` has every scope, and alone manages tokens. */
import { Schema } from "effect"

/** All scopes, in the order of the documentation. */
export const scopes = [
  "streams:read",
  "streams:write",
  "keys:read",
  "keys:write",
  "broadcasters:read",
  "broadcasters:write",
  "viewers:read",
  "viewers:write",
  "events:read",
  "webhooks:read",
  "webhooks:write",
  "audit:read",
  "audit:write",
  "operate",
  "admin"
] as const
/** What a token may do. */
export const Scope = Schema.Literals(scopes)
export type Scope = typeof Scope.Type

/** Whether a caller with these scopes may do what needs `needed`. */
export const allows = (granted: ReadonlyArray<Scope>, needed: Scope): boolean =>
  granted.some((scope) => scope === needed || scope === "admin" || scope === writing(needed))

const writing = (scope: Scope): string => scope.replace(/:read$/, ":write")

/** In the order of `scopes`, each once. */
export const normalScopes = (given: ReadonlyArray<Scope>): ReadonlyArray<Scope> =>
  scopes.filter((scope) => given.includes(scope))
