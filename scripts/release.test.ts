/** A release writes one version everywhere, and the changelog says what is in it. */
import { expect, it } from "vitest"
import { atVersion, releasedChangelog } from "./release.ts"

it("the version of a manifest and of what is released with it is written, and no other", () => {
  const manifest = {
    name: "@greenroom/adapters",
    version: "0.1.0",
    dependencies: { "@greenroom/launcher": "0.1.0", ws: "8.22.0" },
    peerDependencies: { "@greenroom/core": "0.1.0", effect: "~4.1.0" }
  }
  expect(atVersion(manifest, "0.2.0", new Set(["@greenroom/launcher", "@greenroom/core"]))).toEqual({
    name: "@greenroom/adapters",
    version: "0.2.0",
    dependencies: { "@greenroom/launcher": "0.2.0", ws: "8.22.0" },
    peerDependencies: { "@greenroom/core": "0.2.0", effect: "~4.1.0" }
  })
})

const head = "# Changelog\n\n"

it("what was unreleased stands under the version and its day", () => {
  const text = `${head}## Unreleased\n\nA new call.\n\n## 0.1.0 - 2026-11-30\n\nFirst release.\n`
  expect(releasedChangelog(text, "0.2.0", "2026-12-24")).toBe(
    `${head}## Unreleased\n\n## 0.2.0 - 2026-12-24\n\nA new call.\n\n## 0.1.0 - 2026-11-30\n\nFirst release.\n`
  )
  expect(releasedChangelog(`${head}## Unreleased\n\nAll.\n`, "0.1.0", "2026-12-24")).toContain("## 0.1.0 - 2026-12-24")
})

it("nothing is no release", () => {
  for (const text of [head, `${head}## Unreleased\n`, `${head}## Unreleased\n\n## 0.1.0 - 2026-11-30\n\nFirst.\n`]) {
    expect(() => releasedChangelog(text, "0.2.0", "2026-12-24")).toThrow(/nothing under/)
  }
})
