/** A release writes one version everywhere, and the changelog says what is in it. */
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { parse } from "yaml"
import { nextVersion, readChangeset, withNotes } from "./changesets.ts"
import { publishedFolders, root } from "./packPackages.ts"
import { atVersion, releasedChangelog } from "./release.ts"
import { notesOf } from "./releaseNotes.ts"

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

describe("changesets", () => {
  const changeset = (kind: string, text = "A new call.") =>
    readChangeset("one.md", `---\n"greenroom": ${kind}\n"@greenroom/core": patch\n---\n\n${text}\n`)

  it("give the next version by the greatest kind; until 1.0 what breaks something is a minor release", () => {
    expect(nextVersion("0.1.0", [changeset("patch")])).toBe("0.1.1")
    expect(nextVersion("0.1.3", [changeset("patch"), changeset("minor")])).toBe("0.2.0")
    expect(nextVersion("0.1.3", [changeset("major")])).toBe("0.2.0")
    expect(nextVersion("1.4.2", [changeset("minor"), changeset("major")])).toBe("2.0.0")
    expect(nextVersion("0.1.0", [])).toBe("0.2.0")
  })

  it("go into the changelog below what is there", () => {
    const notes = [changeset("minor"), changeset("patch", "Two lines\nof text.")]
    expect(withNotes(`${head}## Unreleased\n\n- Before.\n\n## 0.1.0 - 2026-11-30\n`, notes)).toBe(
      `${head}## Unreleased\n\n- Before.\n- A new call.\n- Two lines\n  of text.\n\n## 0.1.0 - 2026-11-30\n`
    )
    expect(withNotes(`${head}## Unreleased\n`, notes)).toBe(
      `${head}## Unreleased\n\n- A new call.\n- Two lines\n  of text.\n\n`
    )
  })

  it("without a kind or a text are refused", () => {
    expect(() => changeset("huge")).toThrow(/patch, minor or major/)
    expect(() => readChangeset("one.md", "A text alone")).toThrow(/patch, minor or major/)
    expect(() => changeset("patch", "")).toThrow(/no text/)
  })
})

const isCheckout = existsSync(join(root, ".git"))
describe.skipIf(!isCheckout)("npm run release", () => {
  let folder = ""
  const run = (program: string, ...args: ReadonlyArray<string>) => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }
    })
    return { status, text: `${stdout}${stderr}` }
  }
  const git = (...args: ReadonlyArray<string>) =>
    run("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", ...args).text.trim()

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "greenroom-released-"))
    // What is here now, committed or not, in a repository of its own.
    const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
      cwd: root,
      encoding: "utf8"
    })
    const wanted =
      /^(scripts\/(release|changesets|packPackages)\.ts|CHANGELOG\.md|LICENSE|package(-lock)?\.json|docker-compose\.yml|\.changeset\/(config\.json|README\.md)|packages\/\w[\w-]*\/package\.json)$/
    for (const file of files.split("\n").filter((name) => wanted.test(name)))
      cpSync(join(root, file), join(folder, file), { recursive: true })
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
    writeFileSync(join(folder, ".gitignore"), "node_modules\n")
    writeFileSync(
      join(folder, ".changeset/a-new-call.md"),
      '---\n"greenroom": patch\n---\n\nA call that was wrong is right.\n'
    )
    git("init", "--quiet", ".")
    for (const [key, value] of [
      ["user.name", "Test"],
      ["user.email", "test@example.com"]
    ] as const)
      git("config", key, value)
    git("add", "--all")
    git("commit", "--quiet", "--message", "All")
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const read = (file: string) => readFileSync(join(folder, file), "utf8")

  it("writes the version everywhere, takes the changesets into the changelog, commits and tags", () => {
    writeFileSync(join(folder, "more.txt"), "not committed")
    expect(run(process.execPath, "scripts/release.ts").text).toContain("not committed")
    rmSync(join(folder, "more.txt"))
    const before: { version: string } = JSON.parse(read("package.json"))
    const [major, minor, patch] = before.version.split(".").map(Number)
    const version = `${major}.${minor}.${patch! + 1}`
    const { status, text } = run(process.execPath, "scripts/release.ts")
    expect([status, text]).toEqual([
      0,
      `Version ${version} is committed and tagged. To publish it: git push --follow-tags\n`
    ])
    expect(git("describe", "--tags")).toBe(`v${version}`)
    expect(git("status", "--porcelain")).toBe("")
    expect(existsSync(join(folder, ".changeset/a-new-call.md"))).toBe(false)
    expect(read("CHANGELOG.md")).toMatch(
      new RegExp(`^## ${version} - [\\d-]+\\n[\\s\\S]*A call that was wrong is right\\.\\n`, "m")
    )
    expect(read("docker-compose.yml")).toContain(`image: greenroom:${version}\n`)
    const manifests = publishedFolders().map((path) => JSON.parse(read(`${path}/package.json`)))
    expect(new Set(manifests.map((manifest) => manifest.version))).toEqual(new Set([version]))
    const lock = JSON.parse(read("package-lock.json"))
    for (const path of publishedFolders())
      expect([lock.packages[path].version, lock.packages[path].dependencies]).toEqual([
        version,
        JSON.parse(read(`${path}/package.json`)).dependencies
      ])
    expect(run(process.execPath, "scripts/release.ts").text).toContain("There is nothing to release")
  })
})

describe("the workflow of a release", () => {
  const workflow = parse(readFileSync(join(root, ".github/workflows/release.yml"), "utf8"))
  const steps = (job: string): ReadonlyArray<{ uses?: string; run?: string; with?: Record<string, unknown> }> =>
    workflow.jobs[job].steps

  it("publishes with provenance and without a token, from a tag alone", () => {
    expect(workflow.on).toEqual({ push: { tags: ["v*"] } })
    expect(workflow.permissions).toEqual({ contents: "read" })
    expect(workflow.jobs.publish.permissions).toEqual({ contents: "read", "id-token": "write" })
    expect(steps("publish").map(({ run }) => run)).toContain("node scripts/release.ts publish")
    expect(JSON.stringify(workflow)).not.toMatch(/NPM_TOKEN|NODE_AUTH_TOKEN/)
    expect(readFileSync(join(root, "scripts/release.ts"), "utf8")).toContain('"--provenance"')
  })

  it("builds the image with a bill of materials and provenance, and names it by its digest", () => {
    const build = steps("image").find(({ uses }) => uses?.startsWith("docker/build-push-action@"))
    expect(build?.with).toMatchObject({ push: true, sbom: true, provenance: "mode=max", file: "docker/Dockerfile" })
    expect(JSON.stringify(steps("image"))).toContain("steps.build.outputs.digest")
    expect(workflow.jobs.image.needs).toBe("publish")
  })

  it("takes each action at a version", () => {
    for (const job of Object.keys(workflow.jobs))
      for (const { uses } of steps(job)) if (uses !== undefined) expect(uses).toMatch(/@v\d+(\.\d+)*$/)
  })
})

it("the notes of a release are its section of the changelog, and the image by its digest", () => {
  const image = `example/greenroom@sha256:${"a".repeat(64)}`
  const text = `${head}## Unreleased\n\n## 0.2.0 - 2026-12-24\n\n- A new call.\n\n## 0.1.0 - 2026-11-30\n\nFirst.\n`
  expect(notesOf(text, "0.2.0", image)).toBe(`- A new call.\n\nThe image: \`${image}\`\n`)
  expect(() => notesOf(text, "0.3.0", image)).toThrow(/no section 0\.3\.0/)
  expect(() => notesOf(text, "0.2.0", "example/greenroom:latest")).toThrow(/by its digest/)
})
