/** A project of someone else's in an empty folder: installs packages into it and runs programs in it. */
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Packed } from "./packPackages.ts"

export interface Ran {
  readonly ok: boolean
  /** Standard output and standard error. */
  readonly output: string
}

export interface Project {
  readonly folder: string
  /** `npm install` of what a user types; names of ours stand for their tarballs. */
  readonly install: (wanted: ReadonlyArray<string>, flags?: ReadonlyArray<string>) => Ran
  readonly node: (...args: ReadonlyArray<string>) => Ran
  readonly write: (file: string, text: string) => void
  /** The versions of `effect` in it, by where they lie. */
  readonly effects: () => ReadonlyArray<string>
}

const WITHIN_MS = 240_000

export const makeProject = (folder: string, packed: ReadonlyArray<Packed>): Project => {
  const file = new Map(packed.map(({ name, tarball }) => [name, `file:${tarball}`]))
  // The user's own settings of npm hold, and none of this repository's.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^npm_(config_(legacy_peer_deps|save_exact|omit|local_prefix|workspace)|package_|lifecycle_)/i.test(name)
    )
  )
  const run = (command: string, args: ReadonlyArray<string>): Ran => {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: folder,
      env,
      encoding: "utf8",
      timeout: WITHIN_MS
    })
    return { ok: status === 0, output: `${stdout}${stderr}` }
  }
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  rmSync(join(folder, "package.json"), { force: true })
  // What the packages need of each other comes from the tarballs, too: no registry has them yet.
  const overrides = Object.fromEntries(file)
  write("package.json", JSON.stringify({ name: "host", private: true, type: "module", overrides }, null, 2))
  return {
    folder,
    write,
    install: (wanted, flags = []) => {
      const ours = wanted.filter((name) => file.has(name))
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      const dependencies = {
        ...manifest.dependencies,
        ...Object.fromEntries(ours.map((name) => [name, file.get(name)]))
      }
      write("package.json", JSON.stringify({ ...manifest, dependencies }, null, 2))
      const others = wanted.filter((name) => !file.has(name))
      return run("npm", [
        "install",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        "--loglevel=error",
        ...flags,
        ...others
      ])
    },
    node: (...args) => run(process.execPath, args),
    effects: () => {
      const found = run("npm", ["ls", "effect", "--all", "--parseable", "--long"]).output
      return [...new Set(found.match(/[^\n:]*node_modules\/effect:effect@[^:\n]+/g) ?? [])].map((line) =>
        line.replace(folder, "").replace(/^\//, "").replace(":effect@", " ")
      )
    }
  }
}
