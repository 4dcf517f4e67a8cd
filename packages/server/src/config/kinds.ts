/** What a variable may look like, each kind with the sentence that a wrong value gets. */
import { Schema, SchemaTransformation } from "effect"
import { isSendable, SECRET_MIN, sendable } from "./secretText.ts"

const expected = (sentence: string) => ({ message: `expected ${sentence}` })

/** Decimal digits alone: `Number` would take 0x1F90 and 1e3, too. */
const whole = (least: number, most: number, sentence: string) =>
  Schema.String.check(Schema.isPattern(/^\d{1,9}$/, expected(sentence)))
    .pipe(Schema.decodeTo(Schema.FiniteFromString))
    .check(Schema.makeFilter((n: number) => (n >= least && n <= most) || `expected ${sentence}`))

export const Port = whole(0, 65535, "a port, 0 to 65535")

export const count = (least: number, most: number) => whole(least, most, `a whole number, ${least} to ${most}`)

/** A name, or an address of either family, with its zone. */
export const Host = Schema.String.check(
  Schema.isPattern(
    /^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?)$/,
    expected("an IP address or a host name to listen on, such as 127.0.0.1")
  )
)

export const urlOf = (schemes: ReadonlyArray<string>, example: string) =>
  Schema.String.check(
    Schema.makeFilter((text) => {
      const fine =
        URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)) && new URL(text).host !== ""
      return fine || `expected a URL such as ${example}`
    })
  )

/** A public base URL: without credentials, query or fragment, because a path is appended to it and every viewer sees it. */
export const base = (schemes: ReadonlyArray<string>, example: string) =>
  urlOf(schemes, example).check(
    Schema.makeFilter((text) => {
      const url = URL.canParse(text) ? new URL(text) : null
      const bare = url === null || (url.username === "" && url.password === "" && url.search === "" && url.hash === "")
      return bare || `expected a URL without credentials, query and fragment, such as ${example}`
    })
  )

/** Shown to us in HTTP headers. A shorter one can be guessed, whatever the throttle does. */
export const Secret = Schema.RedactedFromValue(
  Schema.String.check(
    Schema.makeFilter((text) => isSendable(text) || `expected ${sendable}`),
    Schema.makeFilter((text) => text.length >= SECRET_MIN || `expected at least ${SECRET_MIN} characters`)
  )
)

const ENCRYPTION_KEY_MIN = 32

/** What a key is derived from. It is derived once and quickly, so a text that can be guessed is no protection: 32 random characters are. */
export const EncryptionKey = Schema.RedactedFromValue(
  Schema.String.check(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
    Schema.isPattern(/^[^\u0000-\u001f\u007f]+$/, expected("a key of one line")),
    Schema.makeFilter(
      (text) => text.length >= ENCRYPTION_KEY_MIN || `expected at least ${ENCRYPTION_KEY_MIN} characters`
    )
  )
)

/** Of a server that is not ours, so its form is not ours to choose. */
export const Password = Schema.RedactedFromValue(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  Schema.String.check(Schema.isPattern(/^[^\u0000-\u001f\u007f]+$/, expected("a password of one line")))
)

const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.parse(text)?.origin === text

/** Origins, separated by commas. A wildcard is none: a token belongs to pages that are known. */
export const Origins = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Array(
      Schema.String.check(
        Schema.makeFilter(
          (text) => isOrigin(text) || "expected origins such as https://app.example.com, separated by commas"
        )
      )
    ),
    SchemaTransformation.transform<ReadonlyArray<string>, string>({
      decode: (text) => text.split(",").map((part) => part.trim()),
      encode: (origins) => origins.join(",")
    })
  )
)

export const oneOf = <const L extends ReadonlyArray<string>>(...literals: L) =>
  Schema.Literals(literals).annotate(expected(`one of ${literals.join(", ")}`))
