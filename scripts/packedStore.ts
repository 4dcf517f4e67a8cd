/**
 * Packs what a store of one's own needs (core, the simulator and the laws), installs the tarballs into a copy of `examples/sqlite-store` outside
 * this repository, and runs the laws there. Shows that the laws can be run with what is published.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const packages = ["core", "mediamtx-simulator", "testing"]
const project = mkdtempSync(join(tmpdir(), "greenroom-store-"))
const run = (command: string, args: ReadonlyArray<string>, cwd: string) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: 240_000 })

try {
  run("npm", ["run", "--silent", "build"], root)
  for (const name of packages) {
    run("npm", ["pack", "--silent", "--pack-destination", project, "--workspace", `@greenroom/${name}`], root)
  }
  cpSync(join(root, "examples/sqlite-store"), project, { recursive: true })
  const tarballs = readdirSync(project).filter((file) => file.endsWith(".tgz"))
  const local = Object.fromEntries(
    packages.map((name) => [
      `@greenroom/${name}`,
      `file:${tarballs.find((file) => file.startsWith(`greenroom-${name}-`))}`
    ])
  )
  const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8"))
  manifest.dependencies = { ...manifest.dependencies, ...local }
  delete manifest.devDependencies
  manifest.overrides = local
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2))
  run("npm", ["install", "--no-audit", "--no-fund", "--omit=peer", "--prefer-offline"], project)
  const output = run("npm", ["test", "--silent"], project)
  const count = (what: string) => Number(new RegExp(`^(?:#|ℹ) ${what} (\\d+)$`, "m").exec(output)?.[1])
  const [passed, failed, skipped] = [count("pass"), count("fail"), count("skipped")]
  if (!(passed > 90 && failed === 0 && skipped === 0)) throw new Error(`the laws did not all run and hold:\n${output}`)
  console.log(`packed store: ${passed} laws hold over ${tarballs.join(", ")}`)
} finally {
  rmSync(project, { recursive: true, force: true })
}
