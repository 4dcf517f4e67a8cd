/**
 * Text that people type and PostgreSQL stores: bounded, not blank, and free of what a terminal, a log line or a `text` column
 * chokes on (control characters, NUL, lone surrogates). What looks like a stream key is refused, too: the store would keep it,
 * and show it. Every free-text field of the domain is one of these, so no adapter has to ask again.
 */
import { Schema } from "effect"
import { containsKey } from "./StreamPath.ts"

const lonely = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const control = /[\u0000-\u001f\u007f-\u009f]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above, but line breaks and tabs are text in a description
const controlButLines = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

/** Spaces and characters that leave no mark: nobody sees that there is a text. */
const blank = /^[\s\p{Default_Ignorable_Code_Point}]+$/u

/** Whether PostgreSQL's `text` and `jsonb` take the string: no NUL, no lone surrogate. */
export const isStorable = (text: string): boolean => !text.includes("\u0000") && !lonely.test(text)

const textFilter = (forbidden: RegExp, allowed: string) =>
  Schema.makeFilter<string>((text) =>
    forbidden.test(text)
      ? `Expected text without control characters${allowed}`
      : lonely.test(text)
        ? "Expected well-formed Unicode, without lone surrogates"
        : blank.test(text)
          ? "Expected text that is not blank"
          : containsKey(text)
            ? "Expected text without a stream key in it"
            : undefined
  )

/** One line, not blank, of 1 to `max` UTF-16 code units. */
export const lineOf = (max: number) => Schema.String.check(Schema.isBetweenLength(1, max), textFilter(control, ""))

/** Several lines, not all blank, of 1 to `max` UTF-16 code units: tabs and line breaks are welcome. */
export const linesOf = (max: number) =>
  Schema.String.check(Schema.isBetweenLength(1, max), textFilter(controlButLines, " other than line breaks and tabs"))
