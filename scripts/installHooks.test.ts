/** The hooks install themselves where that helps somebody, and nowhere else; what they run is there. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, it } from "vitest"
import packageJson from "../package.json" with { type: "json" }

const installer = fileURLToPath(new URL("installHooks.mjs", import.meta.url))
let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hooks-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const environment = (more: Record<string, string> = {}) => {
  const { CI: _, ...rest } = process.env
  const own = Object.entries(rest).filter(([name]) => !name.startsWith("GIT_"))
  return { ...Object.fromEntries(own), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", ...more }
}
const git = (...args: ReadonlyArray<string>) =>
  spawnSync("git", args, { cwd: folder, env: environment(), encoding: "utf8" }).stdout.trim()
const install = (more: Record<string, string> = {}, cwd = folder) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [installer], {
    cwd,
    env: environment(more),
    encoding: "utf8"
  })
  expect([status, stdout, stderr]).toEqual([0, "", ""])
}
const installed = () => git("config", "core.hooksPath")

it("installs them in a checkout, again and again", () => {
  git("init", "--quiet")
  install()
  install()
  expect(installed()).toBe(".githooks")
})

it("leaves CI alone", () => {
  git("init", "--quiet")
  install({ CI: "true" })
  expect(installed()).toBe("")
})

it("leaves other hooks alone", () => {
  git("init", "--quiet")
  git("config", "core.hooksPath", "mine")
  install()
  expect(installed()).toBe("mine")
})

it("leaves a checkout alone that merely contains it", () => {
  git("init", "--quiet")
  mkdirSync(join(folder, "vendored"))
  install({}, join(folder, "vendored"))
  expect(installed()).toBe("")
})

it("does no harm without a checkout, and without git", () => {
  install()
  git("init", "--quiet")
  install({ PATH: "/nowhere" })
  expect(installed()).toBe("")
})

it("has a hook that can be executed and runs scripts that exist", () => {
  const hook = new URL("../.githooks/pre-commit", import.meta.url)
  expect(statSync(hook).mode & 0o111).toBe(0o111)
  execFileSync("sh", ["-n", fileURLToPath(hook)])
  const steps = [...readFileSync(hook, "utf8").matchAll(/^npm run --silent (\S+)/gm)].map(([, name]) => name)
  expect(steps).toEqual(["lint:staged", "types", "test:fast"])
  for (const step of steps) expect(packageJson.scripts).toHaveProperty([step ?? ""])
  expect(packageJson.scripts.prepare).toBe("node scripts/installHooks.mjs")
})
