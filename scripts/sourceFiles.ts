/** The TypeScript files of the repository, and their syntax trees. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Those that git knows, or would take, below the folders. */
export const sourceFiles = (...folders: ReadonlyArray<string>): ReadonlyArray<SourceFile> =>
  execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "--", ...folders.map((folder) => `:(glob)${folder}/**`)],
    {
      cwd: root,
      encoding: "utf8"
    }
  )
    .split("\n")
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      try {
        return [{ path, text: readFileSync(join(root, path), "utf8") }]
      } catch {
        return [] // deleted and not committed yet
      }
    })

export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length
