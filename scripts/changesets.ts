/**
 * The changesets of a release, as `npx changeset` writes them: which kind of release a change needs, and its text for CHANGELOG.md. All packages have one
 * version, so the greatest kind of all counts.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"

const kinds = ["patch", "minor", "major"] as const
type Kind = (typeof kinds)[number]

export interface Changeset {
  readonly file: string
  readonly kind: Kind
  /** For the changelog. */
  readonly text: string
}

const isKind = (value: unknown): value is Kind => kinds.includes(value as Kind)

const greatest = (all: ReadonlyArray<Kind>): Kind =>
  kinds[Math.max(...all.map((kind) => kinds.indexOf(kind)))] ?? "patch"

export const readChangeset = (file: string, text: string): Changeset => {
  const [, front = "", body = ""] = /^---\n([\s\S]*?)\n?---\n([\s\S]*)$/.exec(text) ?? []
  const found: ReadonlyArray<unknown> = Object.values(parse(front) ?? {})
  if (found.length === 0 || !found.every(isKind)) throw new Error(`${file} names no package with patch, minor or major`)
  if (body.trim() === "") throw new Error(`${file} has no text`)
  return { file, kind: greatest(found), text: body.trim() }
}

/** In the order of their names. */
export const changesetsIn = (folder: string): ReadonlyArray<Changeset> =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md") && name !== "README.md")
    .toSorted()
    .map((name) => readChangeset(join(folder, name), readFileSync(join(folder, name), "utf8")))

/** Until 1.0 a change that breaks something is a minor release (docs/stability.md). What has no changeset is in the changelog already, and is a minor one. */
export const nextVersion = (version: string, changesets: ReadonlyArray<Changeset>): string => {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number)
  const wanted = changesets.length === 0 ? "minor" : greatest(changesets.map(({ kind }) => kind))
  if (wanted === "patch") return `${major}.${minor}.${patch + 1}`
  return wanted === "major" && major > 0 ? `${major + 1}.0.0` : `${major}.${minor + 1}.0`
}

/** The changelog with the texts at the end of what is unreleased, one entry each. */
export const withNotes = (changelog: string, changesets: ReadonlyArray<Changeset>): string => {
  if (changesets.length === 0) return changelog
  const entries = changesets.map(({ text }) => `- ${text.replaceAll(/\n/g, "\n  ")}`).join("\n")
  return changelog.replace(/^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m, (_, notes: string) =>
    [`## Unreleased\n`, notes.trim(), entries]
      .filter((part) => part !== "")
      .join("\n")
      .concat("\n\n")
  )
}
