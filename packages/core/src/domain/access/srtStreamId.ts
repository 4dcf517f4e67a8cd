/** The stream id of SRT, in MediaMTX's own syntax and in that of the SRT project (`#!::r=path,m=publish,u=user,s=password`). */

export interface StreamIdParts {
  readonly action: "publish" | "read"
  readonly path: string
  readonly user: string
  readonly password: string
  readonly query: string
}

const EXPECTED =
  "Expected a stream id such as publish:live/studio-1:any:KEY, or #!::m=publish,r=live/studio-1,u=any,s=KEY"

const readStandard = (text: string): StreamIdParts | string => {
  const values = new Map<string, string>()
  for (const pair of text.split(",")) {
    const at = pair.indexOf("=")
    if (at === -1) return EXPECTED
    values.set(pair.slice(0, at), pair.slice(at + 1))
  }
  const mode = values.get("m") ?? "request"
  if (mode !== "publish" && mode !== "request") return "Expected m=publish or m=request in the stream id"
  return {
    action: mode === "publish" ? "publish" : "read",
    path: values.get("r") ?? "",
    user: values.get("u") ?? "",
    password: values.get("s") ?? "",
    query: ""
  }
}

/** `action:path[:query]` or `action:path:user:password[:query]`. A text is what was expected. */
export const readStreamId = (text: string): StreamIdParts | string => {
  if (text.startsWith("#!::")) return readStandard(text.slice("#!::".length))
  const parts = text.split(":")
  if (parts.length < 2 || parts.length > 5) return EXPECTED
  parts[parts.length - 1] = parts.at(-1)!.replace(/#feedbackplay$/, "")
  const [action, path = "", ...rest] = parts
  if (action !== "publish" && action !== "read") return EXPECTED
  const [user = "", password = ""] = rest.length >= 2 ? rest : []
  const query = rest.length === 1 ? rest[0]! : (rest[2] ?? "")
  return { action, path, user, password, query }
}
