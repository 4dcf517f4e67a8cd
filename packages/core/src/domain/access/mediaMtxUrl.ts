/** URLs and queries as Go reads them (`net/url`), which differs from the WHATWG's URL: nothing is normalized, and a query with a semicolon is broken. */

export interface UrlParts {
  readonly scheme: string
  /** As in `user:password@`; `null` when there is none. */
  readonly userinfo: string | null
  /** Decoded. */
  readonly path: string
  /** As it stands. */
  readonly query: string
}

/** Percent-decoded as UTF-8; `null` when a percent sign is broken. A sequence that is no UTF-8 is a replacement character. */
const decoded = (text: string): string | null => {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null
  try {
    return decodeURIComponent(text)
  } catch {
    return text.replaceAll(/%[0-9A-Fa-f]{2}/g, (escaped) => {
      const code = Number.parseInt(escaped.slice(1), 16)
      return code < 128 ? String.fromCharCode(code) : "\uFFFD"
    })
  }
}

const parts = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?$/i

/** `null` where Go refuses the URL, or it has no host. */
export const parseUrl = (text: string): UrlParts | null => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go refuses a URL with one
  if (/[\x00-\x1f\x7f]/.test(text)) return null
  const [, scheme = "", userinfo, host = "", rawPath = "", query = ""] = parts.exec(text) ?? []
  const path = decoded(rawPath)
  if (host === "" || /\s/.test(host) || path === null) return null
  return { scheme: scheme.toLowerCase(), userinfo: userinfo ?? null, path, query }
}

/** Of `user:password@`. A client that cannot decode them sends them as they stand. */
export const credentialsOf = ({ userinfo }: UrlParts): { readonly user: string; readonly password: string } => {
  if (userinfo === null) return { user: "", password: "" }
  const at = userinfo.indexOf(":")
  const [user, password] = at === -1 ? [userinfo, ""] : [userinfo.slice(0, at), userinfo.slice(at + 1)]
  return { user: decoded(user) ?? user, password: decoded(password) ?? password }
}

/** The values by name; `isWhole` is false when a part of the query could not be read, and was left out. */
export const parseGoQuery = (query: string) => {
  const values = new Map<string, Array<string>>()
  let isWhole = true
  for (const pair of query.split("&")) {
    if (pair === "") continue
    const at = pair.indexOf("=")
    const [name, value] = (at === -1 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)]).map((text) =>
      decoded(text.replaceAll("+", " "))
    )
    if (pair.includes(";") || typeof name !== "string" || typeof value !== "string") {
      isWhole = false
      continue
    }
    values.set(name, [...(values.get(name) ?? []), value])
  }
  return { values: values as ReadonlyMap<string, ReadonlyArray<string>>, isWhole }
}
