/** Networks in CIDR notation, of both IP versions. An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`) is the IPv4 address. */
import { Schema } from "effect"
import ipaddr from "ipaddr.js"

type Address = ReturnType<typeof ipaddr.process>

const networkOf = (text: string): readonly [Address, number] | null => {
  const parse = (cidr: string) => {
    const [address, bits] = ipaddr.parseCIDR(cidr)
    if (address.kind() === "ipv4" || !(address as ipaddr.IPv6).isIPv4MappedAddress()) return [address, bits] as const
    // Of the mapped range only what is within IPv4 is the same network.
    return bits >= 96 ? ([(address as ipaddr.IPv6).toIPv4Address(), bits - 96] as const) : null
  }
  try {
    if (text.includes("/")) return parse(text)
    const address = ipaddr.process(text)
    return [address, address.kind() === "ipv4" ? 32 : 128]
  } catch {
    return null
  }
}

/** IPv4 in four decimal parts: `ipaddr.js` also takes `0x7f.1`, of which no client's address is written. */
const isWritten = (text: string): boolean => text.includes(":") || /^\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?$/.test(text)

const NETWORK_MAX_LENGTH = 49

/** One address or a network: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`. */
export const Network = Schema.String.annotate({ examples: ["192.0.2.0/24", "2001:db8::/32"] }).check(
  Schema.makeFilter(
    (text) =>
      text.length <= NETWORK_MAX_LENGTH && isWritten(text) && networkOf(text) !== null
        ? undefined
        : "Expected an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32",
    { toJsonSchema: () => ({ maxLength: NETWORK_MAX_LENGTH }) }
  )
)

/** Whether the address is in the network. Neither of them, when it is malformed, is in or has anything. */
export const isInNetwork = (address: string, network: string): boolean => {
  const range = isWritten(network) ? networkOf(network) : null
  if (range === null || !isWritten(address)) return false
  try {
    const found = ipaddr.process(address)
    return found.kind() === range[0].kind() && found.match(range[0], range[1])
  } catch {
    return false
  }
}
