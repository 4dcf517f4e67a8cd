/** What a request's headers ask of an answer that is kept: whether the client has it already, and whether it may be compressed. Pure. */

/** A tag's text, without the sign that it is weak: `If-None-Match` compares weakly (RFC 9110, section 13.1.2). */
const opaqueTags = (header: string): ReadonlyArray<string> =>
  [...header.matchAll(/(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g)].map(([, tag]) => tag ?? "")

/** Whether the client has the answer with this tag. */
export const isKnown = (ifNoneMatch: string | undefined, tag: string): boolean =>
  ifNoneMatch !== undefined && (ifNoneMatch.trim() === "*" || opaqueTags(ifNoneMatch).includes(tag.replace(/^W\//, "")))

/** By coding; a coding without a weight has 1, one whose weight cannot be read has none. */
const weights = (acceptEncoding: string): ReadonlyMap<string, number> =>
  new Map(
    acceptEncoding.split(",").map((member) => {
      const [coding = "", ...parameters] = member.split(";").map((part) => part.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2)
      return [
        coding,
        weight === undefined ? 1 : /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0
      ]
    })
  )

/** Whether the client takes gzip and does not prefer the plain answer (RFC 9110, section 12.5.3). */
export const acceptsGzip = (acceptEncoding: string | undefined): boolean => {
  if (acceptEncoding === undefined) return false
  const accepted = weights(acceptEncoding)
  const gzip = accepted.get("gzip") ?? accepted.get("x-gzip") ?? accepted.get("*") ?? 0
  return gzip > 0 && gzip >= (accepted.get("identity") ?? 0)
}
