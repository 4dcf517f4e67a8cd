/**
 * Paths on the media server: their grammar, the limits that a key may carry, and what is cut out of a path before anybody may read
 * it. The grammar is the widest of MediaMTX's (letters, digits, `_ - . /`, before 1.20 `~ :` as well; no dot segments), less empty
 * segments: MediaMTX takes `live//q` for another path than `live/q`, and nobody who asks for it means it.
 */
import { Schema } from "effect"

export const PATH_MAX_LENGTH = 1000

const segment = /^[0-9A-Za-z_\-.~:]+$/

/** What is wrong with a path, or `undefined`. */
export const pathComplaint = (path: string): string | undefined => {
  if (path === "") return "Expected a path such as live/studio-1"
  if (path.length > PATH_MAX_LENGTH) return `Expected a path of at most ${PATH_MAX_LENGTH} characters`
  for (const part of path.split("/")) {
    if (part === "") return "Expected a path without empty segments (no slash at either end, no two in a row)"
    if (part === "." || part === "..") return "Expected a path without dot segments"
    if (!segment.test(part)) return "Expected a path of letters, digits and _ - . ~ : between slashes"
  }
  return undefined
}

export const StreamPath = Schema.String.annotate({ examples: ["live/studio-1"] })
  .check(
    Schema.makeFilter(pathComplaint),
    Schema.makeFilter((path) =>
      containsKey(path) ? "Expected a path that is no stream key: paths are public" : undefined
    )
  )
  .pipe(Schema.brand("StreamPath"))
export type StreamPath = typeof StreamPath.Type

/** One path, one more segment below a path (`a/*`), or anything below a path (`a/**`). */
export type PathLimit =
  | { readonly _tag: "Exact"; readonly path: string }
  | { readonly _tag: "Child"; readonly base: string }
  | { readonly _tag: "Below"; readonly base: string }

/** Reads a limit as it is stored and typed; total, because `PathLimitText` has checked the grammar. */
export const parseLimit = (text: string): PathLimit =>
  text.endsWith("/**")
    ? { _tag: "Below", base: text.slice(0, -3) }
    : text.endsWith("/*")
      ? { _tag: "Child", base: text.slice(0, -2) }
      : { _tag: "Exact", path: text }

export const PathLimitText = Schema.String.annotate({
  description: "One path, one more segment (`live/*`), or any depth (`live/**`)",
  examples: ["live/studio-1", "live/*", "live/**"]
})
  .check(
    Schema.makeFilter((text) => {
      const limit = parseLimit(text)
      const path = limit._tag === "Exact" ? limit.path : limit.base
      if (containsKey(path)) return "Expected a path that is no stream key: paths are public"
      return pathComplaint(path) ?? pathComplaint(ingestPath(limit, "00000000"))
    })
  )
  .pipe(Schema.brand("PathLimitText"))
export type PathLimitText = typeof PathLimitText.Type

/** Whether a key with this limit may publish on the path. The store's `path_within` says the same; one suite holds both to it. */
export const within = (limit: PathLimit | null, path: string): boolean => {
  if (limit === null) return true
  if (limit._tag === "Exact") return path === limit.path
  if (!path.startsWith(`${limit.base}/`)) return false
  const rest = path.slice(limit.base.length + 1)
  return rest !== "" && (limit._tag === "Below" || !rest.includes("/"))
}

/** Where a new key publishes unless its owner chooses: the exact path, or the pattern's beginning plus 8 characters of the key's id. */
export const ingestPath = (limit: PathLimit | null, keyId: string): string =>
  limit === null
    ? `live/${keyId.slice(0, 8)}`
    : limit._tag === "Exact"
      ? limit.path
      : `${limit.base}/${keyId.slice(0, 8)}`

const key = /sk_[0-9A-Za-z_-]{43}/

/** Whether the text holds what looks like a whole stream key. */
export const containsKey = (text: string): boolean => key.test(text)

/** The text with every stream key in it, whole or cut, reduced to its public beginning (`sk_` and 4 characters). */
export const withoutKeys = (text: string): string =>
  text.replace(/(sk_[0-9A-Za-z_-]{4})[0-9A-Za-z_-]{16,}/g, (_, prefix: string) => `${prefix}…`)
