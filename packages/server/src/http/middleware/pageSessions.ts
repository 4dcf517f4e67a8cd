/**
 * Sessions of pages: a cookie that names who opened it, signed under a key that is derived from the API secret, so that every instance reads it and
 * nothing is stored. It ends by its time, when its token is deleted or expires, and when the API secret that signed it is accepted no more.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { ApiTokenId, OperatorSecret } from "@greenroom/core"
import { Effect, Option, Schema } from "effect"

/** Seconds. */
export const SESSION_LASTS = 12 * 60 * 60

export interface Session {
  /** The token that opened it; `null`: the API secret. */
  readonly token: ApiTokenId | null
  /** Seconds since 1970. */
  readonly ends: number
  readonly nonce: string
}

const Payload = Schema.fromJsonString(
  Schema.Struct({ token: Schema.NullOr(ApiTokenId), ends: Schema.Int, nonce: Schema.String })
)
const write = Schema.encodeSync(Payload)
const read = Schema.decodeOption(Payload)

const keyFrom = (hash: Uint8Array) => createHmac("sha256", hash).update("greenroom session").digest()
const signature = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest("base64url")

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))

export interface Sessions {
  /** The cookie's value. */
  readonly open: (token: ApiTokenId | null, now: number) => { readonly value: string; readonly session: Session }
  /** The session of a cookie that was written here and has not ended. */
  readonly read: (value: string, now: number) => Option.Option<Session>
  /** What a page has to send with a change. */
  readonly csrfToken: (session: Session) => string
  readonly isCsrfToken: (session: Session, sent: string) => boolean
}

export const makeSessions: Effect.Effect<Sessions, never, OperatorSecret> = Effect.map(
  OperatorSecret,
  ({ hash, previousHash }) => {
    const key = keyFrom(hash)
    const keys = previousHash === undefined ? [key] : [key, keyFrom(previousHash)]
    const csrfToken = ({ nonce }: Session) => signature(key, `csrf ${nonce}`)
    return {
      open: (token, now) => {
        const session = { token, ends: now + SESSION_LASTS, nonce: randomBytes(16).toString("base64url") }
        const payload = Buffer.from(write(session)).toString("base64url")
        return { session, value: `${payload}.${signature(key, payload)}` }
      },
      read: (value, now) => {
        const [payload = "", sent = ""] = value.split(".", 2)
        if (!keys.some((each) => isSame(signature(each, payload), sent))) return Option.none()
        return Option.filter(read(Buffer.from(payload, "base64url").toString()), ({ ends }) => ends > now)
      },
      csrfToken,
      isCsrfToken: (session, sent) => isSame(csrfToken(session), sent)
    }
  }
)
