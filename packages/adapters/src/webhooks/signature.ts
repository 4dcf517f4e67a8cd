/** Signatures and secrets by the Standard Webhooks specification, version 1: HMAC-SHA256 over `id.timestamp.body`. */
import { createHmac, randomBytes } from "node:crypto"
import { Redacted } from "effect"

const PREFIX = "whsec_"
/** The specification allows 24 to 64. */
const SECRET_BYTES = 32

export const newSecret = (): Redacted.Redacted<string> =>
  Redacted.make(`${PREFIX}${randomBytes(SECRET_BYTES).toString("base64")}`, { label: "webhook secret" })

const keyOf = (secret: Redacted.Redacted<string>): Buffer =>
  Buffer.from(Redacted.value(secret).replace(/^whsec_/, ""), "base64")

export interface Signed {
  readonly id: string
  readonly timestamp: number
  readonly body: string
}

const signatureOf = ({ id, timestamp, body }: Signed, secret: Redacted.Redacted<string>): string =>
  `v1,${createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest("base64")}`

/** The three headers. Each secret makes a signature of its own: a receiver takes the request when one of them is right. */
export const signatureHeaders = (
  signed: Signed,
  secrets: ReadonlyArray<Redacted.Redacted<string>>
): Record<string, string> => ({
  "webhook-id": signed.id,
  "webhook-timestamp": String(signed.timestamp),
  "webhook-signature": secrets.map((secret) => signatureOf(signed, secret)).join(" ")
})
