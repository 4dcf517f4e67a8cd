/** Why a request got no answer, in the port's words. The detail is made here: an error's own text may quote what was sent. */
import type { NoAnswerReason } from "@greenroom/core"

interface NoAnswer {
  readonly why: NoAnswerReason
  readonly detail: string
}

const kinds: ReadonlyArray<readonly [codes: RegExp, why: NoAnswerReason, sentence: string]> = [
  [/^BLOCKED$/, "blocked", "The address is not of the public internet (WEBHOOKS_ALLOW_PRIVATE)"],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, "refused", "No connection could be opened"],
  [/^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/, "timeout", "No answer in time"],
  [/^(ENOTFOUND|EAI_\w+|ENODATA)$/, "name", "The name has no address"],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, "reset", "The connection was closed before the answer was complete"],
  [
    /^(ERR_(TLS|SSL)_\w+|EPROTO|CERT_\w+|UNABLE_TO_\w+|\w*SELF_SIGNED\w*|ERROR_IN_CERT\w*|INVALID_CA|HOSTNAME_MISMATCH)$/,
    "tls",
    "The TLS connection could not be made"
  ],
  [/^UND_ERR_HEADERS_OVERFLOW$/, "other", "The headers of the answer are over 16 KiB"],
  [/^HPE_\w+$/, "other", "The answer is not HTTP"]
]

/** The code of an error, or of the first attempt when all addresses of a name were tried. */
const codeOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return typeof code === "string" && /^\w{1,60}$/.test(code) ? code : ""
}

export const noAnswerOf = (error: unknown): NoAnswer => {
  const code = codeOf(error)
  const [, why, sentence] = kinds.find(([codes]) => codes.test(code)) ?? ([null, "other", "No answer"] as const)
  return { why, detail: code === "" || code === "BLOCKED" ? sentence : `${sentence} (${code})` }
}
