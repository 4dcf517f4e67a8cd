/**
 * Packs the packages as they are published, installs what a store of one's own needs beside `examples/sqlite-store` outside this repository, and
 * runs the laws there, as somebody else would. Shows that the laws can be run with what is published.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeProject } from "./packedProject.ts"
import { packAll, root } from "./packPackages.ts"

const example = join(root, "examples/sqlite-store")
const { dependencies } = JSON.parse(readFileSync(join(example, "package.json"), "utf8"))
const folder = mkdtempSync(join(tmpdir(), "greenroom-store-"))

try {
  const packed = packAll(join(folder, "tarballs"))
  const host = join(folder, "host")
  cpSync(example, host, { recursive: true })
  const project = makeProject(host, packed)
  const installed = project.install(["@greenroom/core", "@greenroom/testing", `effect@${dependencies.effect}`])
  if (!installed.ok) throw new Error(installed.output)
  const { ok, output } = project.node("laws.ts")
  const count = (what: string) => Number(new RegExp(`^(?:#|ℹ) ${what} (\\d+)$`, "m").exec(output)?.[1])
  const [passed, failed, skipped] = [count("pass"), count("fail"), count("skipped")]
  if (!(ok && passed > 120 && failed === 0 && skipped === 0)) {
    throw new Error(`the laws did not all run and hold:\n${output.slice(-10_000)}`)
  }
  console.log(`packed store: ${passed} laws hold; effect: ${project.effects().join(", ")}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
