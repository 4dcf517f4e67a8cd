/**
 * Packs the packages as they would be published, installs the tarballs into an empty project, type-checks nothing and assumes
 * nothing of this repository, and runs the embedding example from there. Shows that what is published is complete.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** What the example installs; the server is packed alone. */
const libraries = ["core", "launcher", "mediamtx-simulator", "adapters"]
const names = [...libraries, "server"]
const project = mkdtempSync(join(tmpdir(), "greenroom-packed-"))
const run = (command: string, args: ReadonlyArray<string>, cwd: string) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: 240_000 })

try {
  run("npm", ["run", "--silent", "build"], root)
  for (const name of names) {
    run("npm", ["pack", "--silent", "--pack-destination", project, "--workspace", `@greenroom/${name}`], root)
  }
  cpSync(join(root, "examples/embedding"), project, { recursive: true })
  const tarballs = readdirSync(project).filter((file) => file.endsWith(".tgz"))
  const of = (name: string) => `file:${tarballs.find((file) => file.startsWith(`greenroom-${name}-`))}`
  const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8"))
  const local = Object.fromEntries(libraries.map((name) => [`@greenroom/${name}`, of(name)]))
  manifest.dependencies = { ...manifest.dependencies, ...local }
  manifest.overrides = local
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2))
  run("npm", ["install", "--no-audit", "--no-fund", "--omit=peer", "--prefer-offline"], project)
  const said = run("npm", ["start", "--silent"], project)
  process.stdout.write(said)
  for (const words of ["AllowPublisher: Main camera on live/", "after the revocation: stream_key_revoked"]) {
    if (!said.includes(words)) throw new Error(`the example did not say: ${words}`)
  }
  const packed = readdirSync(project).filter((file) => file.startsWith("greenroom-server-"))
  console.log(`packed: ${tarballs.join(", ")}${packed.length === 1 ? "" : " (the server is missing)"}`)
} finally {
  rmSync(project, { recursive: true, force: true })
}
