/**
 * Releases all packages with one version.
 *
 *   npm run release -- prepare 0.2.0   writes the version into every manifest and the changelog; commit that, and push the tag v0.2.0
 *   npm run release -- publish         packs and publishes, in the workflow of that tag, with provenance; `--dry-run` only shows it
 *
 * A version that is published already is left alone, so that a run that stopped halfway can be repeated.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Manifest, packAll, publishedFolders, readManifest, root } from "./packPackages.ts"

const RELEASE = /^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/

const dependencyFields = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"] as const

/** The manifest with the new version, its own and those of the packages that are released with it. */
export const atVersion = (manifest: Manifest, version: string, names: ReadonlySet<string>): Manifest => {
  const changed: Record<string, unknown> = { ...manifest, version }
  for (const field of dependencyFields) {
    const dependencies = manifest[field] as Readonly<Record<string, string>> | undefined
    if (dependencies === undefined) continue
    changed[field] = Object.fromEntries(
      Object.entries(dependencies).map(([name, range]) => [name, names.has(name) ? version : range])
    )
  }
  return changed as Manifest
}

/** The changelog with what was unreleased under the version. Throws when there is nothing to release. */
export const releasedChangelog = (text: string, version: string, day: string): string => {
  const [, notes = ""] = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(text) ?? []
  if (notes.trim() === "") throw new Error('CHANGELOG.md has nothing under "## Unreleased"')
  return text.replace(/^## Unreleased\n/m, `## Unreleased\n\n## ${version} - ${day}\n`)
}

const prepare = (version: string): void => {
  if (!RELEASE.test(version)) throw new Error(`Expected a version such as 0.2.0, not ${version}`)
  const folders = publishedFolders()
  const names = new Set(folders.map((folder) => readManifest(folder).name))
  const changelog = join(root, "CHANGELOG.md")
  const day = new Date().toISOString().slice(0, 10)
  writeFileSync(changelog, releasedChangelog(readFileSync(changelog, "utf8"), version, day))
  for (const folder of [".", ...folders]) {
    const manifest = atVersion(readManifest(folder), version, names)
    writeFileSync(join(root, folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`)
  }
  execFileSync("npm", ["install", "--package-lock-only", "--ignore-scripts", "--no-audit"], {
    cwd: root,
    stdio: "inherit"
  })
  console.log(`Version ${version} is written. Commit it, then push the tag v${version}.`)
}

const isPublished = (name: string, version: string): boolean =>
  spawnSync("npm", ["view", `${name}@${version}`, "version"], { encoding: "utf8" }).stdout.trim() === version

const publish = (dryRun: boolean): void => {
  const { version } = readManifest("packages/core")
  const tag = process.env.GITHUB_REF_NAME
  if (!dryRun && tag !== `v${version}`) throw new Error(`The tag is ${tag}, and the packages have version ${version}`)
  if (!dryRun && !readFileSync(join(root, "CHANGELOG.md"), "utf8").includes(`\n## ${version} `)) {
    throw new Error(`CHANGELOG.md has no section ${version}`)
  }
  const tarballs = mkdtempSync(join(tmpdir(), "greenroom-release-"))
  try {
    for (const { name, tarball } of packAll(tarballs)) {
      if (isPublished(name, version)) {
        console.log(`${name} ${version} is published already`)
        continue
      }
      const distTag = version.includes("-") ? "next" : "latest"
      const flags = dryRun ? ["--dry-run"] : ["--provenance"]
      execFileSync("npm", ["publish", tarball, "--access", "public", "--tag", distTag, ...flags], { stdio: "inherit" })
    }
  } finally {
    rmSync(tarballs, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const [command, argument = ""] = process.argv.slice(2)
  if (command === "prepare") prepare(argument)
  else if (command === "publish") publish(argument === "--dry-run")
  else {
    console.error("npm run release -- prepare <version> | publish [--dry-run]")
    process.exitCode = 1
  }
}
