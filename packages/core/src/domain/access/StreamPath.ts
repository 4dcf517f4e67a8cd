/**
 * Paths on the media server: their grammar, the limits that a key may carry, and what is cut out of a path before it is
 * shown. The grammar is the widest of MediaMTX's (letters, digits, `_ - . /`, before 1.20 `~ :` as well; no dot segments), less empty
 * segments: MediaMTX takes `live//q` for another path than `live/q`, and no client that asks for it means it. New keys are limited to
 * paths that every MediaMTX takes, so without `~` and `:`.
 */
import { Schema } from "effect"

export const PATH_MAX_LENGTH = 1000

/** A character of a key, as itself or percent-encoded, however often that was done. */
const keyCharacter = "(?:[0-9A-Za-z_-]|%(?:25)*(?:2[dD]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[fF]))"
/** `sk_` of stream keys, `gr_` of API tokens. */
const keyBeginning = "(?:(?:s|%(?:25)*73)(?:k|%(?:25)*6[bB])|(?:g|%(?:25)*67)(?:r|%(?:25)*72))(?:_|%(?:25)*5[fF])"

/** What looks like a whole stream key or API token, percent-encoded or not, as part of published schemas. */
export const wholeKeyPattern = `${keyBeginning}${keyCharacter}{43}`
const wholeKey = new RegExp(wholeKeyPattern)
/** What `withoutKeys` cuts, as part of published schemas. */
export const keyLikePattern = `${keyBeginning}${keyCharacter}{20}`
const longEnough = new RegExp(`(${keyBeginning}${keyCharacter}{4})${keyCharacter}{16,}`, "g")

const complaintWith =
  (segment: RegExp, signs: string) =>
  (path: string): string | undefined => {
    if (path === "") return "Expected a path such as live/studio-1"
    if (path.length > PATH_MAX_LENGTH) return `Expected a path of at most ${PATH_MAX_LENGTH} characters`
    for (const part of path.split("/")) {
      if (part === "") return "Expected a path without empty segments (no slash at either end, no two in a row)"
      if (part === "." || part === "..") return "Expected a path without dot segments"
      if (!segment.test(part)) return `Expected a path of letters, digits and ${signs} between slashes`
    }
    return undefined
  }

/** A path without a key in it, as part of published schemas: segments between slashes, none of them `.` or `..`. */
const pathPattern = (segment: string): string =>
  `(?!.*${wholeKeyPattern})(?!(?:.*/)?\\.{1,2}(?:/|$))${segment}+(?:/${segment}+)*`

/** What is wrong with a path, or `undefined`. */
export const pathComplaint = complaintWith(/^[0-9A-Za-z_\-.~:]+$/, "_ - . ~ :")

/** The same of a path that is to be given out: MediaMTX refuses `~` and `:` since 1.20. */
const newPathComplaint = complaintWith(/^[0-9A-Za-z_\-.]+$/, "_ - .")

export const StreamPath = Schema.String.annotate({ examples: ["live/studio-1"] })
  .check(
    Schema.makeFilter(pathComplaint),
    Schema.makeFilter(
      (path) => (containsKey(path) ? "Expected a path that is no stream key: paths are public" : undefined),
      { toJsonSchema: () => ({ maxLength: PATH_MAX_LENGTH, pattern: `^${pathPattern("[0-9A-Za-z_.~:-]")}$` }) }
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

/** A new limit leaves room for the slash and the 8 characters that `ingestPath` appends to a pattern's beginning. */
export const LIMIT_MAX_LENGTH = PATH_MAX_LENGTH - 10

const limitComplaint = (complaint: (path: string) => string | undefined) => (text: string) => {
  const limit = parseLimit(text)
  const path = limit._tag === "Exact" ? limit.path : limit.base
  if (containsKey(path)) return "Expected a path that is no stream key: paths are public"
  return complaint(path) ?? complaint(ingestPath(limit, "00000000"))
}

const limitText = Schema.String.annotate({
  description: "One path, one more segment (`live/*`), or any depth (`live/**`)",
  examples: ["live/studio-1", "live/*", "live/**"]
})

/** A limit as keys have it, those of older days too. */
export const PathLimitText = limitText
  .check(Schema.makeFilter(limitComplaint(pathComplaint)))
  .pipe(Schema.brand("PathLimitText"))
export type PathLimitText = typeof PathLimitText.Type

/** A limit that a new key may be given: the present MediaMTX takes every path that fits it and is made by `ingestPath`. */
export const NewPathLimit = limitText
  .check(
    Schema.makeFilter(
      (text) =>
        text.length > LIMIT_MAX_LENGTH
          ? `Expected a path of at most ${LIMIT_MAX_LENGTH} characters`
          : limitComplaint(newPathComplaint)(text),
      {
        toJsonSchema: () => ({
          maxLength: LIMIT_MAX_LENGTH,
          pattern: `^${pathPattern("[0-9A-Za-z_.-]")}(?:/[*]{1,2})?$`
        })
      }
    )
  )
  .pipe(Schema.brand("PathLimitText"), Schema.brand("NewPathLimit"))
export type NewPathLimit = typeof NewPathLimit.Type

/** Whether a key with this limit may publish on the path. The store's `path_within` is the same rule; one suite compares them. */
export const within = (limit: PathLimit | null, path: string): boolean => {
  if (limit === null) return true
  if (limit._tag === "Exact") return path === limit.path
  if (!path.startsWith(`${limit.base}/`)) return false
  const rest = path.slice(limit.base.length + 1)
  return rest !== "" && (limit._tag === "Below" || !rest.includes("/"))
}

/**
 * A key's own path: the exact path, or the pattern's beginning plus 8 characters of the key's id. It belongs to the key's broadcaster
 * until the key is revoked: keys of others may neither be issued for it nor publish on it, whatever their limit. The store's
 * `ingest_path` is the same function; one suite compares them.
 */
export const ingestPath = (limit: PathLimit | null, keyId: string): string =>
  limit === null
    ? `live/${keyId.slice(0, 8)}`
    : limit._tag === "Exact"
      ? limit.path
      : `${limit.base}/${keyId.slice(0, 8)}`

/** Whether the text holds what looks like a whole stream key, percent-encoded or not. */
export const containsKey = (text: string): boolean => wholeKey.test(text)

/**
 * A percent-encoded ASCII character, at whatever depth: `%5f`, `%255f`, `%25255f`. One pass, because the sender chooses the depth.
 */
const encodedCharacter = /%(?:25)*([0-9A-Fa-f]{2})/g

/** Only for text that `keyBeginning` and `keyCharacter` matched: each of its encodings ends in a character that a key may have. */
const decoded = (text: string): string =>
  text.replace(encodedCharacter, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/**
 * The text with every stream key in it, whole or cut, percent-encoded or not, reduced to its public beginning (`sk_` and 4
 * characters).
 */
export const withoutKeys = (text: string): string =>
  text.replace(longEnough, (_, prefix: string) => `${decoded(prefix)}…`)
