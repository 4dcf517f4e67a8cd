/**
 * The command that starts this program again, for help and hints, which are there to be pasted. Installed, it is `greenroom`; in its own
 * repository the npm script; otherwise the file that node was given.
 */
import * as path from "node:path"
import { fileURLToPath } from "node:url"

export interface Start {
  /** The file that node runs, as it was named: a link in a folder of programs is not resolved. */
  readonly script: string
  /** This package's entry, as sources and as built. */
  readonly entries: ReadonlyArray<string>
  readonly nodeOptions: ReadonlyArray<string>
  readonly folder: string
  /** The name in the package.json whose script npm runs. */
  readonly npmPackage: string | undefined
}

export const programOf = ({ script, entries, nodeOptions, folder, npmPackage }: Start): string => {
  if (!entries.includes(script)) return "greenroom"
  if (npmPackage === "greenroom-workspace") return "npm run -s greenroom --"
  return ["node", ...nodeOptions, path.relative(folder, script)].join(" ")
}

export const program = programOf({
  script: process.argv[1] ?? "",
  entries: ["../main.ts", "../main.js"].map((file) => fileURLToPath(new URL(file, import.meta.url))),
  nodeOptions: process.execArgv,
  folder: process.cwd(),
  npmPackage: process.env.npm_package_name
})
