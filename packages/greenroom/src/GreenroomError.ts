/** The one class of errors that this package throws. `code` is for programs, `message` for people. */

export type GreenroomErrorCode =
  /** An argument or an option is not what it has to be; `argument` names it. */
  | "invalid_argument"
  | "unknown_broadcaster"
  /** Another broadcaster has the external id. */
  | "external_id_taken"
  /** Another broadcaster's key owns the path. */
  | "path_taken"
  | "expiry_in_past"
  /** The key is revoked, and changes no more. */
  | "revoked"
  /** A key that has expired is not rotated. */
  | "expired"
  /** The key was rotated, or takes the place of one that still publishes. */
  | "rotated"
  /** A playback token is for more than fits into it. */
  | "token_too_long"
  /** The option `encryptionKey` is not given, or is another one than before. */
  | "no_encryption_key"
  /** Another signing key has the id, or had it within 30 days. */
  | "id_taken"
  | "limit_reached"
  /** The signing key that signs is rotated, and not removed. */
  | "key_signs"
  | "not_found"
  /** Events after the cursor cannot all be read; `oldest` is the cursor before the oldest that is left. */
  | "cursor_lost"
  | "store_unavailable"
  | "media_server_unavailable"
  | "migration_failed"
  /** `close` was called. */
  | "closed"

export interface GreenroomErrorOptions {
  /** `keys.create.path` */
  readonly argument?: string
  /** Of `cursor_lost`. */
  readonly oldest?: string
  readonly cause?: unknown
}

export class GreenroomError extends Error {
  override readonly name = "GreenroomError"
  readonly code: GreenroomErrorCode
  readonly argument: string | null
  readonly oldest: string | null

  constructor(code: GreenroomErrorCode, message: string, options: GreenroomErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.argument = options.argument ?? null
    this.oldest = options.oldest ?? null
  }
}

export const invalidArgument = (argument: string, expected: string): GreenroomError =>
  new GreenroomError("invalid_argument", `${argument}: ${expected}`, { argument })

export const closedError = (): GreenroomError => new GreenroomError("closed", "This Greenroom is closed")
