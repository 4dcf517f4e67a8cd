/** API tokens: create, list, describe, change, remove, and find the caller whose token was sent. A token's value leaves `createApiToken` once. */
import { Effect, Option, Schema } from "effect"
import { apiTokenImage } from "../domain/audit/images.ts"
import { type ApiToken, TokenName } from "../domain/identity/ApiToken.ts"
import { normalScopes, Scope } from "../domain/identity/Scope.ts"
import { ApiTokenId, BroadcasterId } from "../domain/values/Ids.ts"
import type { Timestamp } from "../domain/values/Timestamp.ts"
import {
  type ApiTokenChanges,
  ApiTokens,
  type ChangeTokenOutcome,
  type CreateTokenOutcome
} from "../ports/ApiTokens.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import type { PageRequest } from "../ports/Page.ts"
import { Instant, pageFields } from "./argumentSchemas.ts"
import { type AuditedChange, audited } from "./audited.ts"
import { CurrentCaller } from "./CurrentCaller.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { visibleToCaller } from "./visibleToCaller.ts"

const ofToken = { id: ApiTokenId }
const Scopes = Schema.NonEmptyArray(Scope)
const check = {
  create: checkArguments("createApiToken", {
    name: TokenName,
    scopes: Scopes,
    broadcasterId: Schema.NullOr(BroadcasterId),
    expiresAt: Schema.NullOr(Instant)
  }),
  list: checkArguments("listApiTokens", pageFields),
  describe: checkArguments("describeApiToken", ofToken),
  change: checkArguments("changeApiToken", {
    ...ofToken,
    name: Schema.optionalKey(TokenName),
    scopes: Schema.optionalKey(Scopes),
    expiresAt: Schema.optionalKey(Schema.NullOr(Instant))
  }),
  remove: checkArguments("removeApiToken", ofToken)
}

const visible = visibleToCaller<ApiToken>(({ broadcasterId }) => broadcasterId)

const change = (before: ApiToken | null, after: ApiToken | null): AuditedChange => ({
  resourceId: (after ?? before)?.id ?? null,
  broadcasterId: (after ?? before)?.broadcasterId ?? null,
  before: before === null ? null : apiTokenImage(before),
  after: after === null ? null : apiTokenImage(after)
})

export interface NewTokenRequest {
  readonly name: string
  readonly scopes: readonly [Scope, ...ReadonlyArray<Scope>]
  /** `null`: of every broadcaster; of the caller's, when the caller is limited to one. */
  readonly broadcasterId: BroadcasterId | null
  readonly expiresAt: Timestamp | null
}

/** A limited caller creates tokens with its own limit alone. */
export const createApiToken = Effect.fn("createApiToken")(function* (request: NewTokenRequest) {
  const { scopes, ...checked } = yield* check.create({ ...request })
  const { only } = yield* CurrentCaller
  const broadcasterId = checked.broadcasterId ?? only
  if (only !== null && broadcasterId !== only) return { _tag: "UnknownBroadcaster" } as const
  const generator = yield* KeyGenerator
  const tokens = yield* ApiTokens
  const value = yield* generator.generateToken
  const token = { ...checked, broadcasterId, scopes: normalScopes(scopes), hash: generator.hash(value) }
  const creating = tokens.create({ ...token, id: (yield* generator.uuid) as ApiTokenId })
  const outcome: CreateTokenOutcome = yield* audited("api_token.create", creating, (outcome) =>
    outcome._tag === "Created" ? change(null, outcome.token) : null
  )
  return outcome._tag === "Created" ? ({ ...outcome, value } as const) : outcome
})

/** Newest first, without their values. */
export const listApiTokens = Effect.fn("listApiTokens")(function* (page: PageRequest) {
  const checked = yield* check.list(page)
  const { only } = yield* CurrentCaller
  const tokens = yield* ApiTokens
  return yield* tokens.list(only === null ? {} : { broadcasterId: only }, checked)
})

/** `None` when there is no such token. */
export const describeApiToken = Effect.fn("describeApiToken")(function* (given: ApiTokenId) {
  const { id } = yield* check.describe({ id: given })
  const tokens = yield* ApiTokens
  return yield* visible(yield* tokens.find(id))
})

/** Changes what is given. The broadcaster that a token is limited to stays. */
export const changeApiToken = Effect.fn("changeApiToken")(function* (token: ApiTokenId, given: ApiTokenChanges) {
  const { id, scopes, ...checked } = yield* check.change({ ...given, id: token })
  const changes = scopes === undefined ? checked : { ...checked, scopes: normalScopes(scopes) }
  const tokens = yield* ApiTokens
  const changing = Effect.gen(function* () {
    const before = Option.getOrNull(yield* visible(yield* tokens.find(id)))
    const outcome: ChangeTokenOutcome = before === null ? { _tag: "NotFound" } : yield* tokens.change(id, changes)
    return { before, outcome }
  })
  const { outcome } = yield* audited("api_token.change", changing, ({ before, outcome }) =>
    outcome._tag === "Changed" ? change(before, outcome.token) : null
  )
  return outcome
})

/** Whether there was one. From then on no instance accepts it. */
export const removeApiToken = Effect.fn("removeApiToken")(function* (given: ApiTokenId) {
  const { id } = yield* check.remove({ id: given })
  const tokens = yield* ApiTokens
  const removing = Effect.gen(function* () {
    const before = yield* visible(yield* tokens.find(id))
    return Option.isSome(before) && (yield* tokens.remove(id)) ? before : Option.none<ApiToken>()
  })
  const removed = yield* audited(
    "api_token.delete",
    removing,
    Option.match({ onNone: () => null, onSome: (before) => change(before, null) })
  )
  return Option.isSome(removed)
})
