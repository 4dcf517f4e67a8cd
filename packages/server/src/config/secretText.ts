/**
 * What a secret of ours may look like: it is sent in HTTP headers, which carry ASCII alone, and lose spaces at both ends.
 * The rule is the same for the service that takes it and for the command line that sends it.
 */
export const isSendable = (text: string): boolean => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text)

/** `openssl rand -hex 8` has so many. */
export const SECRET_MIN = 16

export const sendable = "one line of ASCII characters, with no space at either end: it is sent in HTTP headers"
