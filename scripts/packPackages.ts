/**
 * Packs the packages as they are published. Their manifests differ from those of the repository: the condition `@greenroom/source`, with
 * which the repository runs its TypeScript, and what only development needs, are left out, and a release gets the address of the
 * repository that it was built in. So a package is published from its tarball, and never from its folder.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Conditions of an entry, or of all entries by their names. */
type Exports = string | { readonly [name: string]: Exports }

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports?: Exports
  readonly files?: ReadonlyArray<string>
  readonly [field: string]: unknown
}

const SOURCE = "@greenroom/source"

const withoutSource = (exports: Exports): Exports =>
  typeof exports === "string"
    ? exports
    : Object.fromEntries(
        Object.entries(exports)
          .filter(([name]) => name !== SOURCE)
          .map(([name, target]) => [name, withoutSource(target)])
      )

/** `repository`: the address of the repository, where the release is built in one: `https://host/owner/name`. */
export const publishedManifest = (manifest: Manifest, folder: string, repository: string | null): Manifest => {
  const { devDependencies: _, scripts: __, private: ___, exports, ...kept } = manifest
  const links = {
    repository: { type: "git", url: `git+${repository}.git`, directory: folder },
    homepage: `${repository}#readme`,
    bugs: { url: `${repository}/issues` }
  }
  return {
    ...kept,
    ...(exports === undefined ? {} : { exports: withoutSource(exports) }),
    ...(repository === null ? {} : links)
  } as Manifest
}

/** GitHub's own variables; provenance has to name the same repository. */
const repositoryHere = (): string | null => {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env
  return GITHUB_SERVER_URL && GITHUB_REPOSITORY ? `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}` : null
}

export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))

/** The folders of the packages that are published, each after those that it needs. */
export const publishedFolders = (): ReadonlyArray<string> => {
  const folders: ReadonlyArray<string> = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).workspaces
  return folders.filter((folder) => readManifest(folder).private !== true)
}

export interface Packed {
  readonly name: string
  readonly version: string
  readonly tarball: string
}

const pack = (folder: string, into: string): Packed => {
  const manifest = publishedManifest(readManifest(folder), folder, repositoryHere())
  const staging = mkdtempSync(join(tmpdir(), "greenroom-pack-"))
  try {
    cpSync(join(root, folder), staging, {
      recursive: true,
      filter: (source) => !/[\\/](node_modules|test)$/.test(source)
    })
    for (const file of ["CHANGELOG.md", "LICENSE"]) cpSync(join(root, file), join(staging, file))
    writeFileSync(join(staging, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`)
    const options = { cwd: staging, encoding: "utf8", timeout: 60_000 } as const
    const [packed] = JSON.parse(
      execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", into], options)
    )
    return { name: manifest.name, version: manifest.version, tarball: join(into, packed.filename) }
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

/** Builds and packs all of them. */
export const packAll = (into: string): ReadonlyArray<Packed> => {
  mkdirSync(into, { recursive: true })
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit", timeout: 240_000 })
  return publishedFolders().map((folder) => pack(folder, into))
}
