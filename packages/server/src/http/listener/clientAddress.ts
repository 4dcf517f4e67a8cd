/**
 * The address by which connections of one client are counted. A subscriber of IPv6 usually has a /64 of addresses (RFC 6177), so
 * those count as one; an IPv4 address that arrives in IPv6 form counts as itself.
 */
import { isIPv6 } from "node:net"

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** The first four groups of an IPv6 address, written out. */
const networkOf = (address: string): string => {
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? []
  const groups = head === "" ? [] : head.split(":")
  const behind = tail === undefined || tail === "" ? [] : tail.split(":")
  const filled = [...groups, ...Array<string>(Math.max(0, 8 - groups.length - behind.length)).fill("0"), ...behind]
  return filled
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")
}

/** An IPv4 address as it is; the network of an IPv6 address, as `2001:db8:0:1::/64`. */
export const clientAddress = (remoteAddress: string | undefined): string => {
  const [, mapped] = MAPPED.exec(remoteAddress ?? "") ?? []
  if (mapped !== undefined) return mapped
  return remoteAddress !== undefined && isIPv6(remoteAddress)
    ? `${networkOf(remoteAddress)}::/64`
    : (remoteAddress ?? "unknown")
}
