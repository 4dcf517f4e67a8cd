import { assert, describe, it } from "@effect/vitest"
import { clientAddress } from "../../../src/http/listener/clientAddress.ts"

describe("the address that connections are counted by", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::1", "0:0:0:0::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:0:ffff:ffff:ffff:ffff", "2001:db8:0:0::/64"],
    ["2001:0DB8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1::", "1:0:0:0::/64"],
    [undefined, "unknown"]
  ])("of %s is %s", (remote, expected) => {
    assert.strictEqual(clientAddress(remote), expected)
  })
})
