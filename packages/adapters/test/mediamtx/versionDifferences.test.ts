/** Which versions differ, and in what. */
import { assert, describe, it } from "@effect/vitest"
import { authHasRtspConnectionId, buildOf, mayHaveNewNames } from "../../src/mediamtx/versionDifferences.ts"

describe("versionDifferences", () => {
  const cases: ReadonlyArray<readonly [version: string | null, connectionsId: boolean, newNames: boolean]> = [
    [null, true, false],
    ["v1.9.3", true, false],
    ["v1.15.2", true, false],
    ["v1.19.2", true, false],
    ["1.19.2", true, false],
    ["v1.19.3", false, false],
    ["v1.19.3-4-gabcdef0", false, true],
    ["v1.20.1", false, false],
    ["v1.20.1-56-gabcdef0", false, true],
    ["v1.21.0", false, true],
    ["v1.100.0", false, true],
    ["v2.0.0", false, true],
    ["v0.0.0", false, true],
    ["v0.0.0-dirty", false, true],
    ["", false, true],
    ["main", false, true]
  ]
  for (const [version, connectionsId, newNames] of cases) {
    it(`${JSON.stringify(version)}: the id of RTSP's /auth is ${connectionsId ? "the connection's" : "the session's"}`, () => {
      assert.strictEqual(authHasRtspConnectionId(buildOf(version)), connectionsId)
    })
    it(`${JSON.stringify(version)}: ${newNames ? "may have" : "does not have"} the names of 1.21`, () => {
      assert.strictEqual(mayHaveNewNames(buildOf(version)), newNames)
    })
  }
})
