/**
 * What a caller needs for an operation, and what the audit log calls it. Each operation behind a credential has both as an annotation, beside
 * its summary; the document shows the scope.
 */
import type { AuditAction, Scope } from "@greenroom/core"
import { Context } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"

export interface OperationAccess {
  /** `null`: any credential will do. */
  readonly scope: Scope | null
  /** It concerns all broadcasters at once: a token that is limited to one may not. */
  readonly wholeFleet: boolean
  /** Of an operation that changes something. */
  readonly action: AuditAction | null
}

export class Access extends Context.Service<Access, OperationAccess>()("greenroom/http/Access") {}

/** The annotation of an operation: the scope that it needs, and the action of one that changes something. */
export const needs = (scope: Scope | null, action: AuditAction | null = null): Context.Context<Access> =>
  Context.make(Access, { scope, action, wholeFleet: false })

/** The same of an operation that concerns all broadcasters at once. */
export const needsWholeFleet = (scope: Scope, action: AuditAction | null = null): Context.Context<Access> =>
  Context.make(Access, { scope, action, wholeFleet: true })

/** Records in the audit log what no use case has recorded: refused and failed operations, and refused credentials. */
export class Audited extends HttpApiMiddleware.Service<Audited>()("greenroom/http/Audited") {}
