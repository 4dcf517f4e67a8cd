/**
 * `npm ci` runs this (as `prepare`): git finds the hooks of this checkout in .githooks. It does nothing in CI, without git, outside a
 * checkout of its own, and when other hooks are configured already; it never fails an installation. Plain JavaScript, because the
 * Node that runs it may be an older one.
 */
import { execFileSync } from "node:child_process"
import { realpathSync } from "node:fs"

const HOOKS = ".githooks"

const git = (...args) => {
  try {
    return execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()
  } catch {
    return undefined
  }
}

const isCi = process.env.CI !== undefined && process.env.CI !== "" && process.env.CI !== "false"
if (!isCi) {
  const top = git("rev-parse", "--show-toplevel")
  const ownCheckout = top !== undefined && realpathSync(top) === realpathSync(process.cwd())
  if (ownCheckout && !git("config", "core.hooksPath")) git("config", "core.hooksPath", HOOKS)
}
