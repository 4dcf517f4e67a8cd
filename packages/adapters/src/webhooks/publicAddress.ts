/**
 * Which IP addresses are of the public internet. What is not is refused as a place to send to: an API client must not make Greenroom send requests
 * into the network that it runs in. Source: the IANA registries of special-purpose addresses (RFC 6890 and its updates), all
 * entries, those that are globally reachable included; multicast; and all of IPv6 that is not global unicast (2000::/3).
 */
import { isIP } from "node:net"

type Range = readonly [first: bigint, bits: number]

const ofIPv4 = (address: string): bigint =>
  address.split(".").reduce((value, part) => value * 256n + BigInt(Number(part)), 0n)

/** Without a zone: `fe80::1%eth0` is `fe80::1`. */
const ofIPv6 = (address: string): bigint => {
  // The URL parser writes a dotted end in hexadecimal, too.
  const written = new URL(`http://[${address.replace(/%.*$/s, "")}]/`).hostname.slice(1, -1)
  const [head = "", tail] = written.split("::")
  const groups = (text: string) => (text === "" ? [] : text.split(":"))
  const [before, after] = [groups(head), groups(tail ?? "")]
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill("0")
  return [...before, ...zeros, ...after].reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n)
}

const ranges = (read: (address: string) => bigint, ...texts: ReadonlyArray<string>): ReadonlyArray<Range> =>
  texts.map((text) => {
    const [address = "", bits] = text.split("/")
    return [read(address), Number(bits)]
  })

const isIn = (value: bigint, [first, bits]: Range, width: 32 | 128): boolean => {
  const rest = BigInt(width - bits)
  return value >> rest === first >> rest
}

const specialIPv4 = ranges(
  ofIPv4,
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4"
)

const [globalUnicast] = ranges(ofIPv6, "2000::/3") as [Range]
/** Inside global unicast. 2001::/23 has Teredo, benchmarking and ORCHID; 2002::/16 is 6to4, whatever the IPv4 address in it. */
const specialIPv6 = ranges(ofIPv6, "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
/** A network without IPv4 reaches public IPv4 addresses by this prefix (RFC 6052), so the address in it decides. */
const [nat64] = ranges(ofIPv6, "64:ff9b::/96") as [Range]

const isPublicIPv4 = (value: bigint): boolean => !specialIPv4.some((range) => isIn(value, range, 32))

const isPublicIPv6 = (value: bigint): boolean =>
  isIn(value, nat64, 128)
    ? isPublicIPv4(value & 0xffff_ffffn)
    : isIn(value, globalUnicast, 128) && !specialIPv6.some((range) => isIn(value, range, 128))

/** Of a literal address as Node writes it, with or without a zone. Anything else is not public. */
export const isPublicAddress = (address: string): boolean => {
  const family = isIP(address)
  if (family === 4) return isPublicIPv4(ofIPv4(address))
  return family === 6 && isPublicIPv6(ofIPv6(address))
}
