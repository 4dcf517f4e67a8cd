/**
 * Releases all packages with one version, which the changesets in .changeset decide.
 *
 *   npm run release                        writes version, changelog and lockfile, commits them and makes the tag; push both to publish
 *   npm run release -- --dry-run           shows what that would be, packs all packages, and checks the bill of materials; changes nothing
 *   npm run release -- prepare 0.2.0       writes a version of your choice, and leaves committing to you
 *   npm run release -- publish             packs and publishes, in the workflow of the tag, with provenance; `--dry-run` only shows it
 *
 * A version that is published already is left alone, so that a run that stopped halfway can be repeated.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Changeset, changesetsIn, nextVersion, withNotes } from "./changesets.ts"
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

const git = (...args: ReadonlyArray<string>): string =>
  execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim()

const today = (): string => new Date().toISOString().slice(0, 10)

/** The lockfile has the version of each package, and those by which they need each other. */
const writeLockfile = (version: string, folders: ReadonlyArray<string>, names: ReadonlySet<string>): void => {
  const file = join(root, "package-lock.json")
  const lock = JSON.parse(readFileSync(file, "utf8"))
  lock.version = version
  for (const folder of ["", ...folders]) lock.packages[folder] = atVersion(lock.packages[folder], version, names)
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
}

const imageName = /^(\s+image: greenroom:)\S+$/m

const writeVersion = (version: string, changesets: ReadonlyArray<Changeset>): void => {
  if (!RELEASE.test(version)) throw new Error(`Expected a version such as 0.2.0, not ${version}`)
  const folders = publishedFolders()
  const names = new Set(folders.map((folder) => readManifest(folder).name))
  const changelog = join(root, "CHANGELOG.md")
  writeFileSync(changelog, releasedChangelog(withNotes(readFileSync(changelog, "utf8"), changesets), version, today()))
  for (const folder of [".", ...folders]) {
    const manifest = atVersion(readManifest(folder), version, names)
    writeFileSync(join(root, folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`)
  }
  writeLockfile(version, folders, names)
  const compose = join(root, "docker-compose.yml")
  writeFileSync(compose, readFileSync(compose, "utf8").replace(imageName, `$1${version}`))
  for (const { file } of changesets) rmSync(file)
}

/** What is to be released: the changesets, and the version that follows from them. */
const planned = () => {
  const { version } = readManifest("packages/core")
  const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8")
  const changesets = changesetsIn(join(root, ".changeset"))
  const hasNotes = (/^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog)?.[1] ?? "").trim() !== ""
  if (changesets.length === 0 && !hasNotes)
    throw new Error("There is nothing to release: no changeset, and nothing unreleased in CHANGELOG.md")
  return { changesets, version: nextVersion(version, changesets) }
}

const release = (): void => {
  if (git("status", "--porcelain") !== "") throw new Error("Expected no change that is not committed")
  const { changesets, version } = planned()
  if (git("tag", "--list", `v${version}`) !== "") throw new Error(`The tag v${version} is there already`)
  writeVersion(version, changesets)
  git("add", "--all")
  git("commit", "--quiet", "--no-verify", "--message", `Release ${version}`)
  git("tag", "--annotate", `v${version}`, "--message", `Greenroom ${version}`)
  console.log(`Version ${version} is committed and tagged. To publish it: git push --follow-tags`)
}

/** The bill of materials of production, in CycloneDX's format. Throws when it is none. */
const billOfMaterials = (): { readonly components: number; readonly text: string } => {
  const text = execFileSync("npm", ["run", "--silent", "sbom"], { cwd: root, encoding: "utf8", timeout: 60_000 })
  const { bomFormat, components = [] } = JSON.parse(text)
  if (bomFormat !== "CycloneDX" || components.length === 0) throw new Error("npm sbom gives no bill of materials")
  return { components: components.length, text }
}

const rehearse = (): void => {
  const { changesets, version } = planned()
  console.log(
    `The next version is ${version}, of ${changesets.length} changesets and what is unreleased in CHANGELOG.md.`
  )
  const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8")
  releasedChangelog(withNotes(changelog, changesets), version, today())
  console.log(`The bill of materials has ${billOfMaterials().components} components.`)
  const tarballs = mkdtempSync(join(tmpdir(), "greenroom-release-"))
  try {
    for (const { name, tarball } of packAll(tarballs)) {
      const files = execFileSync("tar", ["--list", "--file", tarball], { encoding: "utf8" }).split("\n")
      for (const wanted of ["package/package.json", "package/LICENSE", "package/CHANGELOG.md"])
        if (!files.includes(wanted)) throw new Error(`${name} lacks ${wanted}`)
      const kilobytes = Math.ceil(statSync(tarball).size / 1024)
      console.log(`${name}: ${files.length - 1} files, ${kilobytes} KB`)
    }
  } finally {
    rmSync(tarballs, { recursive: true, force: true })
  }
  console.log("Nothing was written, and nothing was published.")
}

const prepare = (version: string): void => {
  writeVersion(version, changesetsIn(join(root, ".changeset")))
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
  const [command = "", argument = ""] = process.argv.slice(2)
  if (command === "") release()
  else if (command === "--dry-run") rehearse()
  else if (command === "prepare") prepare(argument)
  else if (command === "publish") publish(argument === "--dry-run")
  else {
    console.error("npm run release [-- --dry-run | prepare <version> | publish [--dry-run]]")
    process.exitCode = 1
  }
}
