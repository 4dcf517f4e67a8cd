/** What the configuration has for each release of MediaMTX. */
import { Redacted } from "effect"
import { expect, test } from "vitest"
import { defaultPorts, mediaMtxConfig } from "../src/mediaMtxConfig.ts"

const auth = { host: "127.0.0.1", port: 8081, secret: Redacted.make("secret") }
const configOf = (version: string | null) => mediaMtxConfig({ host: "127.0.0.1", ports: defaultPorts, auth, version })

test.each([
  ["v1.9.3", false],
  ["v1.17.1", false],
  ["v1.18.0", true],
  ["v1.20.1", true],
  [null, true]
])("HLS is made from the beginning of a stream on where its muxer is no viewer: %s, %s", (version, always) => {
  expect("hlsAlwaysRemux" in configOf(version)).toBe(always)
})
