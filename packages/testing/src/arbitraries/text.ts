/** Texts and JSON as people, encoders and attackers write them: most of them wrong in one place, where the name does not promise otherwise. */
import { KEY_PREFIX_LENGTH, type KeyValue, Label, Metadata, type PathLimitText } from "@greenroom/core"
import { Arbitrary, Redacted, Schema } from "effect"
import { element, integer, joined, oneOf } from "./draw.ts"

const base64url = [..."ab0Z-_sk", ..."cdefghijlmnopqrtuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY123456789"]

/** The text of stream keys, those that look like several keys in one included. */
export const keyTexts: Arbitrary.Arbitrary<string> = oneOf([
  Arbitrary.map(joined(element(base64url), 43, 43), (text) => `sk_${text}`),
  element([`sk_${"_".repeat(43)}`, `sk_${"-".repeat(43)}`, `sk_${"sk_".repeat(14)}s`, `sk_${"a".repeat(43)}`])
])

const inSegment = [..."a0Z_-.~:", "sk_"]

/** Stream keys, as the use cases take them. */
export const keyValues: Arbitrary.Arbitrary<KeyValue> = Arbitrary.map(keyTexts, (text) => Redacted.make(text))

/** What is shown of a key. */
export const keyPrefixes: Arbitrary.Arbitrary<string> = Arbitrary.map(keyTexts, (text) =>
  text.slice(0, KEY_PREFIX_LENGTH)
)

/** Segments of a path that the grammar takes. */
export const segments: Arbitrary.Arbitrary<string> = Arbitrary.filter(
  oneOf([element(["live", "studio-1", "a:b", "~", "...", ".a", "a..b"]), joined(element(inSegment), 1, 12)]),
  (text) => text !== "." && text !== ".."
)

/** Paths that the grammar takes, at most 70 characters. */
export const validPaths: Arbitrary.Arbitrary<string> = joined(segments, 1, 5, "/")

const anySegment = oneOf([
  segments,
  element(["", ".", "..", "*", "**", "é", "a b", "%2e", "a\n", "a\u0000", "a\\b", "😀", "?x=1", "K"])
])

/** Anything that a client may send for a path: most of it wrong in one place. */
export const pathish: Arbitrary.Arbitrary<string> = oneOf([
  joined(anySegment, 0, 5, "/"),
  Arbitrary.map(integer(0, 6), (n) => "a".repeat(997 + n)),
  Arbitrary.map(integer(0, 6), (n) => `live/${"a".repeat(992 + n)}`),
  Arbitrary.map(validPaths, (path) => `${path}/`),
  Arbitrary.map(validPaths, (path) => `/${path}`)
])

/** Limits that a key may carry, as they are typed. */
export const limitTexts: Arbitrary.Arbitrary<PathLimitText> = Arbitrary.map(
  Arbitrary.all([validPaths, element(["", "/*", "/**"])]),
  ([path, end]) => (path + end) as PathLimitText
)

const characters = [..."aZ 1.é😀", "\u0000", "\n", "\r", "\t", "\u001f", "\u007f", "\u009f", "\u00a0"]

/** Text with everything in it that a terminal or PostgreSQL chokes on. */
export const texts: Arbitrary.Arbitrary<string> = joined(
  element([...characters, "\ud83d", "\ude00", "\udfff", "\ud800", "\ufffd", "\u2028"]),
  0,
  8
)

/** JSON values with everything in them that a store chokes on, nested up to a few levels. */
export const jsonValues: Arbitrary.Arbitrary<unknown> = (() => {
  const leaf: Arbitrary.Arbitrary<unknown> = oneOf<unknown>([
    texts,
    element<unknown>([null, true, 0, -1.5, 1e21, "", "toString"])
  ])
  const names = oneOf([element(["a", "b", "__proto__", "constructor", "toJSON", ""]), texts])
  const level = (inner: Arbitrary.Arbitrary<unknown>): Arbitrary.Arbitrary<unknown> =>
    oneOf<unknown>([
      inner,
      Arbitrary.array(inner, { maxLength: 3 }),
      Arbitrary.map(Arbitrary.array(Arbitrary.all([names, inner]), { maxLength: 3 }), (entries) =>
        JSON.parse(`{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`)
      )
    ])
  return level(level(leaf))
})()

/** One line that people read: a display name, a label, a title. */
export const lines: Arbitrary.Arbitrary<string> = Arbitrary.filter(
  oneOf([
    element(["Studio One", "a", "Studio Ünø 🎬", "👩‍👩‍👧", "استوديو", "x".repeat(255)]),
    joined(element([..."aZ 1.é😀-_/"]), 1, 20)
  ]),
  Schema.is(Label)
)

/** Text of several lines. */
export const paragraphs: Arbitrary.Arbitrary<string> = joined(lines, 1, 3, "\n")

/** JSON objects that a store must give back as they are. */
export const metadata: Arbitrary.Arbitrary<Metadata> = Arbitrary.filter(
  Arbitrary.map(
    Arbitrary.array(Arbitrary.all([element(["a", "b", "tags"]), jsonValues]), { maxLength: 3 }),
    (entries) => Object.fromEntries(entries)
  ),
  Schema.is(Metadata)
)
