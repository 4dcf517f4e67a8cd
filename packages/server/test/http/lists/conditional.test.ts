/** Conditional requests and compression: the header fields' grammar, as RFC 9110 has it. */
import { describe, expect, it } from "vitest"
import { acceptsGzip, isKnown } from "../../../src/http/lists/conditional.ts"

describe("If-None-Match", () => {
  const tag = 'W/"abc-_1"'

  it.each(['W/"abc-_1"', '"abc-_1"', "*", " * ", '"x", W/"abc-_1"', 'W/"x",W/"y","abc-_1"', '"a,b", "abc-_1"'])(
    "%s knows the tag",
    (header) => expect(isKnown(header, tag)).toBe(true)
  )

  it.each([undefined, "", "abc-_1", 'W/"abc"', '"abc-_1', '"x", "y"', 'w/"abc-_2"', '"a", *', '"ABC-_1"'])(
    "%s does not",
    (header) => expect(isKnown(header, tag)).toBe(false)
  )
})

describe("Accept-Encoding", () => {
  it.each(["gzip", "x-gzip", "GZIP", "gzip, deflate, br, zstd", "*", "gzip;q=0.5", "br;q=1.0, gzip;q=0.8, *;q=0.1"])(
    "%s takes gzip",
    (header) => expect(acceptsGzip(header)).toBe(true)
  )

  it.each([
    undefined,
    "",
    "identity",
    "br",
    "gzip;q=0",
    "gzip;q=0.000",
    "*;q=0",
    "*, gzip;q=0",
    "gzip;q=2",
    "gzip;q=x",
    "gzip;q=0.5, identity",
    "identity;q=0.6, *;q=0.5",
    "gzipped"
  ])("%s does not", (header) => expect(acceptsGzip(header)).toBe(false))
})
