/**
 * The signature of a request: hex HMAC-SHA256 of method, path, time and body, joined by line feeds, under the API secret. The path is that below the
 * mount, without the query. The time is in seconds since 1970; one that is more than five minutes off is refused.
 */
import { createHmac } from "node:crypto"
import { Redacted } from "effect"
import { isSameText } from "../middleware/sameText.ts"

/** Seconds. */
export const CLOCKS_DIFFER = 300

export interface SignedRequest {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly timestamp: string
  readonly signature: string
}

export type SignatureFault = "time" | "signature"

const signatureOf = ({ method, path, timestamp, body }: SignedRequest, secret: Redacted.Redacted<string>): string =>
  createHmac("sha256", Redacted.value(secret)).update(`${method}\n${path}\n${timestamp}\n${body}`).digest("hex")

/** What is wrong; `null`: one of the secrets has signed it, at about `now`, in seconds since 1970. */
export const faultOf = (
  request: SignedRequest,
  secrets: ReadonlyArray<Redacted.Redacted<string>>,
  now: number
): SignatureFault | null => {
  const sent = request.signature.toLowerCase()
  // The signature first: only who has the secret may learn that the time is wrong.
  if (!secrets.some((secret) => isSameText(sent, signatureOf(request, secret)))) return "signature"
  return /^\d{1,12}$/.test(request.timestamp) && Math.abs(now - Number(request.timestamp)) <= CLOCKS_DIFFER
    ? null
    : "time"
}
