/**
 * Sessions of pages: a cookie that names who opened it, signed under a key that is derived from an API secret, so that every instance reads it and
 * nothing is stored. It ends by its time, when its token is deleted or expires, and when the secret that it is signed under is accepted no more: the
 * one that opened it, or for a token the present one.
 */
import { createHmac, randomBytes } from "node:crypto"
import { ApiTokenId, type KeyHash, OperatorSecret } from "@greenroom/core"
import { Effect, Option, Schema } from "effect"
import { isSameText } from "./sameText.ts"

/** Seconds. */
export const SESSION_LASTS = 12 * 60 * 60

const Payload = Schema.fromJsonString(
  Schema.Struct({ token: Schema.NullOr(ApiTokenId), ends: Schema.Int, nonce: Schema.String })
)
const write = Schema.encodeSync(Payload)
const read = Schema.decodeOption(Payload)

export interface Session {
  /** The token that opened it; `null`: the API secret. */
  readonly token: ApiTokenId | null
  /** Seconds since 1970. */
  readonly ends: number
  /** What a page has to send with a change. */
  readonly csrfToken: string
}

const keyFrom = (hash: KeyHash) => createHmac("sha256", hash).update("greenroom session").digest()
const signature = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest("base64url")

const sessionOf = (key: Buffer, { token, ends, nonce }: typeof Payload.Type): Session => ({
  token,
  ends,
  csrfToken: signature(key, `csrf ${nonce}`)
})

export interface PageSessions {
  /** `secretHash`: of the secret that was sent; `null`: a token was. `value` is the cookie's. */
  readonly open: (
    token: ApiTokenId | null,
    secretHash: KeyHash | null,
    now: number
  ) => { readonly value: string; readonly session: Session }
  /** The session of a cookie that was written here and has not ended. */
  readonly read: (value: string, now: number) => Option.Option<Session>
}

export const makePageSessions: Effect.Effect<PageSessions, never, OperatorSecret> = Effect.map(
  OperatorSecret,
  ({ hash, previousHash }) => {
    const keys = [hash, ...(previousHash === undefined ? [] : [previousHash])].map(keyFrom)
    return {
      open: (token, secretHash, now) => {
        const key = keyFrom(secretHash ?? hash)
        const content = { token, ends: now + SESSION_LASTS, nonce: randomBytes(16).toString("base64url") }
        const payload = Buffer.from(write(content)).toString("base64url")
        return { session: sessionOf(key, content), value: `${payload}.${signature(key, payload)}` }
      },
      read: (value, now) => {
        const [payload = "", sent = ""] = value.split(".", 2)
        const key = keys.find((each) => isSameText(sent, signature(each, payload)))
        if (key === undefined) return Option.none()
        return read(Buffer.from(payload, "base64url").toString()).pipe(
          Option.filter(({ ends }) => ends > now),
          Option.map((content) => sessionOf(key, content))
        )
      }
    }
  }
)
