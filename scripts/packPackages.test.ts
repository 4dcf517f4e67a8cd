/** What is published differs from what lies in the repository by the source condition and by what only development needs. */
import { describe, expect, it } from "vitest"
import { publishedFolders, publishedManifest, readManifest } from "./packPackages.ts"

const manifest = {
  name: "@greenroom/core",
  version: "0.1.0",
  scripts: { test: "vitest" },
  exports: {
    "./a": { "@greenroom/source": "./src/a.ts", types: "./dist/a.d.ts", default: "./dist/a.js" },
    "./b": "./b.json"
  },
  devDependencies: { vitest: "5.1.0" },
  peerDependencies: { effect: "^4.1.0" }
}

it("a published manifest has no source condition and nothing of development", () => {
  expect(publishedManifest(manifest, "packages/core", null)).toEqual({
    name: "@greenroom/core",
    version: "0.1.0",
    exports: { "./a": { types: "./dist/a.d.ts", default: "./dist/a.js" }, "./b": "./b.json" },
    peerDependencies: { effect: "^4.1.0" }
  })
})

it("a release names the repository that it is built in", () => {
  expect(publishedManifest(manifest, "packages/core", "https://git.example/owner/greenroom")).toMatchObject({
    repository: { type: "git", url: "git+https://git.example/owner/greenroom.git", directory: "packages/core" },
    homepage: "https://git.example/owner/greenroom#readme",
    bugs: { url: "https://git.example/owner/greenroom/issues" }
  })
})

describe.each(publishedFolders())("%s", (folder) => {
  const { name, version, ...fields } = readManifest(folder)
  const published = JSON.stringify(publishedManifest({ name, version, ...fields }, folder, null))

  it("says what a registry shows, and has one version with the others", () => {
    expect(fields).toMatchObject({
      description: expect.stringMatching(/\w/),
      license: "MIT",
      keywords: expect.arrayContaining(["mediamtx"]),
      engines: { node: ">=22.19" }
    })
    expect(version).toBe(readManifest("packages/core").version)
  })

  it("packs no build information, and publishes no source condition", () => {
    expect(fields.files).toEqual(expect.arrayContaining(["dist", "!dist/.tsbuildinfo", "CHANGELOG.md"]))
    expect(published).not.toContain("@greenroom/source")
  })
})
