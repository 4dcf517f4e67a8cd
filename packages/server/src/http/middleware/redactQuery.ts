/**
 * A publisher's query as it may be written into a log. Encoders put credentials there under many names. So a value is left out when its
 * name looks like a credential's, or when it looks like a stream key, however often it was percent-encoded. Names, order and everything
 * else stay, because that is what the line is read for.
 */
import { containsKey, withoutKeys } from "@greenroom/core"

const LEFT_OUT = "…"
const SHOWN = 1024
const secretName = /pass|pwd|token|key|jwt|user|login|secret|auth|cred|sig|session|cookie|bearer|otp|pin\b/i

/** Decoded until nothing changes, five times at most: each proxy on the way may have encoded it once more. */
const decoded = (text: string): string => {
  let current = text.replaceAll("+", " ")
  for (let round = 0; round < 5; round++) {
    let next = current
    try {
      next = decodeURIComponent(current)
    } catch {
      next = current.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    }
    if (next === current) return current
    current = next
  }
  return current
}

const shownPair = (pair: string): string => {
  const at = pair.indexOf("=")
  if (at === -1) return containsKey(pair) || pair.includes("%") ? LEFT_OUT : pair
  const name = pair.slice(0, at)
  const value = pair.slice(at + 1)
  const shownName = containsKey(name) ? LEFT_OUT : name
  // A value that decodes to pairs of its own may hide a credential among them.
  const hides = secretName.test(decoded(name)) || containsKey(value) || /[&;?=]/.test(decoded(value))
  return `${shownName}=${hides ? LEFT_OUT : value}`
}

/** At most 1,024 characters of it. */
export const redactQuery = (query: string): string =>
  withoutKeys(
    query
      .split(/([&;?])/)
      .map((part, index) => (index % 2 === 1 ? part : shownPair(part)))
      .join("")
  ).slice(0, SHOWN)
