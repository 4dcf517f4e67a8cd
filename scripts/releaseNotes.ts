/** Prints the notes of a release: its section of CHANGELOG.md, and the image by its digest. `releaseNotes.ts <version> <image@sha256:…>` */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./packPackages.ts"

const DIGEST = /@sha256:[0-9a-f]{64}$/

export const notesOf = (changelog: string, version: string, image: string): string => {
  const sections = changelog.split(/^## /m)
  const section = sections.find((text) => text.startsWith(`${version} - `))
  if (section === undefined) throw new Error(`CHANGELOG.md has no section ${version}`)
  if (!DIGEST.test(image)) throw new Error(`Expected an image by its digest, not ${image}`)
  const [, ...lines] = section.split("\n")
  return `${lines.join("\n").trim()}\n\nThe image: \`${image}\`\n`
}

if (import.meta.main) {
  const [version = "", image = ""] = process.argv.slice(2)
  process.stdout.write(notesOf(readFileSync(join(root, "CHANGELOG.md"), "utf8"), version, image))
}
