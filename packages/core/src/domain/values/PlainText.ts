/**
 * Text that people type and PostgreSQL stores: bounded, not blank, and free of what a terminal, a log line or a `text` column
 * chokes on (control characters, NUL, lone surrogates), and of characters that are not seen: they reorder the text around them
 * (U+202E), or make two names look alike. What looks like a stream key is refused, too: the store would keep it, and show it. Every
 * free-text field of the domain is one of these, so no adapter has to ask again. The rules are regular expressions without `\p{…}`, so that
 * the OpenAPI document can have them as they are.
 */
import { Schema } from "effect"
import { containsKey, wholeKeyPattern } from "../access/StreamPath.ts"

const lonely = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

const at = String.fromCodePoint
const control = "\\x00-\\x1f\\x7f-\\x9f"
const controls = new RegExp(`[${control}]`, "g")
/** Line breaks and tabs are text in a description. */
const controlButLines = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f"

/** What JavaScript's `trim` takes away. */
const space = "\\x09-\\x0d\\x20\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"

/** Unicode's Default_Ignorable_Code_Point, the controls of direction among them, and interlinear annotation. */
const invisible = `\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb${at(0x1bca0)}-${at(0x1bca3)}${at(0x1d173)}-${at(0x1d17a)}${at(0xe0000)}-${at(0xe0fff)}`

/** Symbols and pictures, those with a skin tone too. */
const emoji = `\\u203c-\\u3299${at(0x1f000)}-${at(0x1faff)}`
/** Arabic, Syriac, the scripts of India and of South-East Asia: their words need joiners. */
const joining = "\\u0620-\\u08ff\\u0900-\\u0dff\\u1000-\\u109f\\u1780-\\u17b3\\u17b6-\\u17ff"

/** The joiners between letters that join, a joiner between the parts of an emoji, and U+FE0F, which makes one of a symbol. */
const welcome = [
  `(?<=[${joining}])[\\u200c\\u200d](?=[${joining}])`,
  `(?<=[${emoji}\\ufe0f])\\u200d(?=[${emoji}])`,
  `(?<=[${emoji}0-9#*\\xa9\\xae])\\ufe0f`
].join("|")

const visibleOnly = new RegExp(`^(?:[^${invisible}]|${welcome})*$`, "u")
const blank = new RegExp(`^[${space}${invisible}]+$`, "u")

/** All rules but the length, for those who read the document. */
const patternOf = (forbidden: string): string =>
  `^(?![${space}${invisible}]*$)(?![\\s\\S]*${wholeKeyPattern})(?:[^${forbidden}${invisible}]|${welcome})+$`

/** Whether PostgreSQL's `text` and `jsonb` take the string: no NUL, no lone surrogate. */
export const isStorable = (text: string): boolean => !text.includes("\u0000") && !lonely.test(text)

/** The text with a sign in place of each character that a store, a terminal or a line of a log cannot take. */
export const storable = (text: string): string => text.toWellFormed().replace(controls, "\uFFFD")

const textFilter = (forbidden: string, allowed: string) => {
  const refused = new RegExp(`[${forbidden}]`)
  return Schema.makeFilter<string>(
    (text) =>
      refused.test(text)
        ? `Expected text without control characters${allowed}`
        : lonely.test(text)
          ? "Expected well-formed Unicode, without lone surrogates"
          : blank.test(text)
            ? "Expected text that is not blank"
            : !visibleOnly.test(text)
              ? "Expected text without invisible characters and controls of direction"
              : containsKey(text)
                ? "Expected text without a stream key in it"
                : undefined,
    { toJsonSchema: () => ({ pattern: patternOf(forbidden) }) }
  )
}

/** Characters are code points here, as they are in JSON schema and PostgreSQL. */
const isWithin = (text: string, max: number): boolean =>
  text.length <= max || (text.length <= 2 * max && [...text].length <= max)

/** Of at most `max` characters. */
export const isAtMost = (max: number) =>
  Schema.makeFilter<string>((text) => isWithin(text, max) || `Expected at most ${max} characters`, {
    toJsonSchema: () => ({ maxLength: max })
  })

/** Of 1 to `max` characters. */
const isFromOneTo = (max: number) =>
  Schema.makeFilter<string>((text) => (text !== "" && isWithin(text, max)) || `Expected 1 to ${max} characters`, {
    toJsonSchema: () => ({ minLength: 1, maxLength: max })
  })

/** One line, not blank, of 1 to `max` characters. */
export const lineOf = (max: number) => Schema.String.check(isFromOneTo(max), textFilter(control, ""))

/** Several lines, not all blank, of 1 to `max` characters: tabs and line breaks are welcome. */
export const linesOf = (max: number) =>
  Schema.String.check(isFromOneTo(max), textFilter(controlButLines, " other than line breaks and tabs"))
