/**
 * Where the credential of an auth call stands, and the public beginning of the key in it, also when it stands in the wrong place, is cut or is
 * unknown. For people who look for a mistake; which credential counts is decided in `AuthRequest`.
 */
import { Redacted } from "effect"
import type { AuthCall } from "./AuthRequest.ts"
import { isKeyText, KEY_PREFIX_LENGTH } from "./StreamKey.ts"
import { unescaped } from "./unescaped.ts"

/** Where a credential may be found; the last two are mistakes. */
export const credentialPlaces = ["password", "token", "query", "user", "path"] as const
export type CredentialPlace = (typeof credentialPlaces)[number]

export interface CredentialRef {
  /** `null`: the call has no credential. */
  readonly foundIn: CredentialPlace | null
  /** `null`: what was found does not begin like a stream key. */
  readonly keyPrefix: string | null
}

const keyBeginning = /(?<![0-9A-Za-z_-])sk_[0-9A-Za-z_-]{4}/

/** The beginning of the first key in the text; its characters may be percent-encoded. */
const prefixIn = (text: string): string | null => keyBeginning.exec(unescaped(text))?.[0] ?? null

const textOf = (secret: Redacted.Redacted<string> | undefined): string =>
  secret === undefined ? "" : Redacted.value(secret)

/** `password`, `token` and the query come first, as for the credential that counts; then where a key is by mistake. */
export const findCredential = (call: AuthCall): CredentialRef => {
  const password = textOf(call.password)
  if (isKeyText(password)) return { foundIn: "password", keyPrefix: password.slice(0, KEY_PREFIX_LENGTH) }
  const texts = {
    password,
    token: textOf(call.token),
    query: textOf(call.query),
    user: textOf(call.user),
    path: call.path
  }
  for (const place of credentialPlaces) {
    const keyPrefix = prefixIn(texts[place])
    if (keyPrefix !== null) return { foundIn: place, keyPrefix }
  }
  const query = new URLSearchParams(texts.query)
  const inQuery = ["key", "token", "pass"].some((name) => (query.get(name) ?? "") !== "")
  const foundIn = password !== "" ? "password" : texts.token !== "" ? "token" : inQuery ? "query" : null
  return { foundIn, keyPrefix: null }
}
