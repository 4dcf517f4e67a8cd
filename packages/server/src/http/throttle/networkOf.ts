/**
 * Where a caller is, as far as its failures count together: an IPv4 address, or the /64 that an IPv6 address is in, because whoever has
 * one address of a /64 has them all (RFC 6177).
 */
import { isIP } from "node:net"

const MAPPED = /^(?:0*:){2,6}(?:ffff:)?(?=\d+\.)/i

/** The eight groups of an IPv6 address that holds no IPv4 address. */
const groupsOf = (address: string): ReadonlyArray<string> => {
  const [head = "", tail] = address.split("::")
  const before = head === "" ? [] : head.split(":")
  if (tail === undefined) return before
  const after = tail === "" ? [] : tail.split(":")
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => "0"), ...after]
}

/** `null` when the text is no address. */
export const networkOf = (address: string): string | null => {
  const [bare = ""] = address.split("%", 1)
  const mapped = bare.replace(MAPPED, "")
  if (isIP(mapped) === 4) return mapped
  if (isIP(bare) !== 6 || bare.includes(".")) return null
  const groups = groupsOf(bare).slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`
}

/** The machine itself: `::1` is the only address in use of its /64. */
export const isLoopback = (network: string): boolean => network.startsWith("127.") || network === "0:0:0:0::/64"
