/** What the audit log knows of: every operation that changes something, and what only a frontend knows. */
import { Schema } from "effect"

/** The actions of Greenroom itself. The part before the dot is the type of the resource. */
export const auditActions = [
  "api.authenticate",
  "api_token.create",
  "api_token.change",
  "api_token.delete",
  "audit_event.record",
  "broadcaster.create",
  "broadcaster.upsert",
  "broadcaster.change",
  "broadcaster.delete",
  "playback_token.create",
  "playback_token.revoke",
  "reconciliation.request",
  "session.create",
  "session.delete",
  "signing_key.create",
  "signing_key.delete",
  "signing_key.rotate",
  "stream.change",
  "stream.stop",
  "stream_key.create",
  "stream_key.change",
  "stream_key.rotate",
  "stream_key.revoke",
  "viewer.kick",
  "viewer.revoke",
  "webhook_endpoint.create",
  "webhook_endpoint.change",
  "webhook_endpoint.delete",
  "webhook_endpoint.rotate_secret",
  "webhook_endpoint.test",
  "webhook_endpoint.redeliver"
] as const
export type AuditAction = (typeof auditActions)[number]

/** `stream_key` of `stream_key.revoke`. */
export const resourceTypeOf = (action: string): string => action.split(".", 1)[0] ?? action

const NAME = "[a-z][a-z0-9_]{0,31}"

const claimed = new RegExp(`^${NAME}\\.${NAME}$`)
const isOwn = (action: string): boolean => (auditActions as ReadonlyArray<string>).includes(action)

/** An action of a frontend, `user.login`: none of Greenroom's own. */
export const ClaimedAction = Schema.String.check(
  Schema.makeFilter<string>(
    (action) =>
      !claimed.test(action)
        ? "Expected two words of small letters, digits and _, joined by a dot, such as user.login"
        : isOwn(action)
          ? "Expected an action that is not Greenroom's own"
          : undefined,
    {
      toJsonSchema: () => ({ pattern: `^(?!(?:${auditActions.join("|").replaceAll(".", "\\.")})$)${NAME}\\.${NAME}$` })
    }
  )
).annotate({ examples: ["user.login"] })
