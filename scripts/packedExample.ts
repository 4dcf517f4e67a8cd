/**
 * Packs the packages as they are published, installs the tarballs into projects of others, assumes nothing of this repository, and runs
 * programs from there. Shows that what is published is complete, and what a host gets that has another `effect`: it works, or it fails
 * with a sentence that names both versions. `npm run packed-example -- prisma` runs the hosts whose names begin so.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Host, hosts } from "./packedHosts.ts"
import { makeProject, type Project } from "./packedProject.ts"
import { packAll, root } from "./packPackages.ts"

const failures: Array<string> = []

const tryHost = async ({ name, run }: Host, project: Project) => {
  const began = Date.now()
  const outcome = await run(project).then(
    (what) => what,
    (error: unknown) => {
      failures.push(name)
      return `FAILED: ${error instanceof Error ? error.message : String(error)}`
    }
  )
  console.log(`${name}: ${outcome} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
}

const chosen = hosts.filter(({ name }) => name.startsWith(process.argv[2] ?? ""))
const folder = mkdtempSync(join(tmpdir(), "greenroom-packed-"))
try {
  const packed = packAll(join(folder, "tarballs"))
  for (const [index, host] of chosen.entries()) {
    const at = join(folder, `host-${index}`)
    cpSync(join(root, "examples/embedding"), at, { recursive: true })
    await tryHost(host, makeProject(at, packed))
    rmSync(at, { recursive: true, force: true })
  }
  console.log(`packed: ${readdirSync(join(folder, "tarballs")).join(", ")}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (failures.length > 0 || chosen.length === 0) {
  console.error(
    `packed example: ${chosen.length === 0 ? "no such host" : `${failures.length} of ${chosen.length} hosts failed`}`
  )
  process.exitCode = 1
}
