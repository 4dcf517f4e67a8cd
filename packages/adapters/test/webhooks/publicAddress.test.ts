import { BlockList } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { element, integer } from "@greenroom/testing/arbitraries"
import { isPublicAddress } from "../../src/webhooks/publicAddress.ts"

const blocked = [
  // IPv4: the first and the last address of each special-purpose range, and multicast.
  ...["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"],
  ...["127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255"],
  ...["172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.170", "192.0.0.255", "192.0.2.1", "192.31.196.1"],
  ...["192.52.193.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "192.175.48.1", "198.18.0.0", "198.19.255.255"],
  ...["198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"],
  // IPv6
  ...["::", "::1", "fc00::1", "fdff:ffff::1", "fe80::1", "fe80::1%lo", "febf::1", "fec0::1", "ff02::1", "100::1"],
  ...["100:0:0:1::1", "2001::1", "2001:0:1:2::3", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1"],
  ...["2001:db8::1", "2620:4f:8000::1", "3fff::1", "3fff:fff:ffff::1", "5f00::1", "4000::1", "1fff:ffff::1"],
  // IPv4 inside IPv6: mapped, compatible, translated, 6to4, both NAT64 prefixes
  ...["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1"],
  ...["2002:7f00:1::", "2002:0a00:0001::1", "2002:808:808::1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1"],
  ...["64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff::1"],
  // No address
  ...["", "localhost", "127.0.0.1.", "2130706433", "0x7f.1", "0", "1.2.3", "[::1]", "::g", "8.8.8.8:80"]
]

const allowed = [
  ...[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1"
  ],
  ...["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255"],
  ...["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"],
  ...["2000::1", "2001:200::1", "2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450:4001::1", "2003::1"],
  ...["3ffe::1", "3fff:1000::1", "2620:4f:8001::1", "64:ff9b::8.8.8.8", "64:ff9b::808:808"]
]

describe("isPublicAddress", () => {
  it.each(blocked)("blocks %s", (address) => expect(isPublicAddress(address)).toBe(false))
  it.each(allowed)("allows %s", (address) => expect(isPublicAddress(address)).toBe(true))

  const list = new BlockList()
  for (const range of [
    ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
    ...["192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"],
    ...["198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"]
  ]) {
    const [address = "", bits] = range.split("/")
    list.addSubnet(address, Number(bits), "ipv4")
  }
  const byte = element([
    0, 1, 2, 10, 15, 16, 31, 51, 52, 63, 64, 88, 99, 100, 127, 128, 168, 169, 172, 192, 198, 203, 254
  ])
  const other = integer(0, 255)
  const dotted = (parts: ReadonlyArray<number>) => parts.join(".")

  it.prop(
    "of IPv4 it finds what Node's own block list finds, also behind the NAT64 prefix",
    [byte, byte, other, other],
    (parts) => {
      const address = dotted(parts)
      const isPublic = !list.check(address, "ipv4")
      expect(isPublicAddress(address)).toBe(isPublic)
      expect(isPublicAddress(`64:ff9b::${address}`)).toBe(isPublic)
      expect(isPublicAddress(`::ffff:${address}`)).toBe(false)
      expect(isPublicAddress(`::${address}`)).toBe(false)
    }
  )

  it.prop(
    "every spelling of an IPv4 address in a URL is judged as the address",
    [byte, byte, other, other],
    (parts) => {
      const [a, b, c, d] = parts as [number, number, number, number]
      const number = ((a * 256 + b) * 256 + c) * 256 + d
      const spellings = [
        String(number),
        `0x${number.toString(16)}`,
        `0${number.toString(8)}`,
        `${a}.${number % 2 ** 24}`,
        `0x${a.toString(16)}.0${b.toString(8)}.${c * 256 + d}`,
        `${dotted(parts)}.`
      ]
      for (const spelling of spellings) {
        const { hostname } = new URL(`http://${spelling}/`)
        expect([spelling, isPublicAddress(hostname)]).toEqual([spelling, isPublicAddress(dotted(parts))])
      }
    }
  )

  const group = element([0, 1, 0xffff, 0x7f00, 0x2001, 0x2002, 0xdb8, 0xfe80, 0xfc00, 0x64, 0xff9b, 0x2606])
  it.prop(
    "of IPv6 one address has one verdict, however it is written",
    [group, group, group, group, group, group, group, group],
    (groups) => {
      const long = groups.map((value) => value.toString(16).padStart(4, "0")).join(":")
      const short = new URL(`http://[${long}]/`).hostname.slice(1, -1)
      expect([short, isPublicAddress(short)]).toEqual([short, isPublicAddress(long)])
      expect(isPublicAddress(long.toUpperCase())).toBe(isPublicAddress(long))
    }
  )
})
