/** Webhooks over HTTP: `HttpWebhookSender.layer({ allowPrivate, requireTls })` and `AesSecretCipher.layer(key)`. */
import "../effectOfAdapters.ts"

export * as AesSecretCipher from "./AesSecretCipher.ts"
export * as HttpWebhookSender from "./HttpWebhookSender.ts"
