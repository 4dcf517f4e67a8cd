/**
 * What the properties draw from: values on and around every boundary that the core knows, not only random ones. Every
 * arbitrary shrinks towards the first of its choices. `SEED=7` tries another set of cases, `RUNS=10` ten times as many.
 */
import type { BroadcasterId, StreamId, StreamKeyId } from "@greenroom/core"
import { Arbitrary, DateTime, Schema } from "effect"

const factor = Number(process.env.RUNS ?? 1)

/** Options of a property: how many cases, and how large they may grow. */
export const cases = (runs = 300, size = 60) => ({
  timeout: 120_000,
  arbitrary: { runs: runs * factor, size, seed: process.env.SEED ?? "greenroom" }
})

/** One of the values; shrinks to those before it. */
export const element = <const A>(values: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(
    Arbitrary.schema(Schema.Literals(values.map((_, index) => index)), {
      shrink: (index) => Array.from({ length: index }, (_, smaller) => smaller)
    }),
    (index) => values[index] as A
  )

export const oneOf = <A>(choices: ReadonlyArray<Arbitrary.Arbitrary<A>>): Arbitrary.Arbitrary<A> =>
  Arbitrary.flatMap(element(choices), (choice) => choice)

export const integer = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

export const boolean = element([false, true])

export const joined = (item: Arbitrary.Arbitrary<string>, minLength: number, maxLength: number, separator = "") =>
  Arbitrary.map(Arbitrary.array(item, { minLength, maxLength }), (parts) => parts.join(separator))

/** A UUID that tells which one it is: the `n`th of a kind. */
export const uuid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`
export const streamId = (n: number) => uuid(n) as StreamId
export const keyId = (n: number) => uuid(0x10000 + n) as StreamKeyId
export const broadcasterId = (n: number) => uuid(0x20000 + n) as BroadcasterId

export const NOW = DateTime.makeUnsafe("2026-11-21T01:33:14.640Z")
/** `ms` after `NOW`. */
export const at = (ms: number): DateTime.Utc => DateTime.makeUnsafe(DateTime.toEpochMillis(NOW) + ms)

const base64url = [..."ab0Z-_sk", ..."cdefghijlmnopqrtuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY123456789"]

/** Stream keys, those that look like several keys in one included. */
export const keyValues = oneOf([
  Arbitrary.map(joined(element(base64url), 43, 43), (text) => `sk_${text}`),
  element([`sk_${"_".repeat(43)}`, `sk_${"-".repeat(43)}`, `sk_${"sk_".repeat(14)}s`, `sk_${"a".repeat(43)}`])
])

const inSegment = [..."a0Z_-.~:", "sk_"]

/** Segments that the grammar takes. */
export const segments = Arbitrary.filter(
  oneOf([element(["live", "studio-1", "a:b", "~", "...", ".a", "a..b"]), joined(element(inSegment), 1, 12)]),
  (text) => text !== "." && text !== ".."
)

/** Paths that the grammar takes, at most 70 characters. */
export const validPaths = joined(segments, 1, 5, "/")

const anySegment = oneOf([
  segments,
  element(["", ".", "..", "*", "**", "é", "a b", "%2e", "a\n", "a\u0000", "a\\b", "😀", "?x=1", "K"])
])

/** Anything that somebody may send for a path: most of it wrong in one place. */
export const pathish = oneOf([
  joined(anySegment, 0, 5, "/"),
  Arbitrary.map(integer(0, 6), (n) => "a".repeat(997 + n)),
  Arbitrary.map(integer(0, 6), (n) => `live/${"a".repeat(992 + n)}`),
  Arbitrary.map(validPaths, (path) => `${path}/`),
  Arbitrary.map(validPaths, (path) => `/${path}`)
])

/** Limits that a key may carry, as they are typed. */
export const limitTexts = Arbitrary.map(
  Arbitrary.all([validPaths, element(["", "/*", "/**"])]),
  ([path, end]) => path + end
)

const characters = [..."aZ 1.é😀", "\u0000", "\n", "\r", "\t", "\u001f", "\u007f", "\u009f", "\u00a0"]

/** Text with everything in it that a terminal or PostgreSQL chokes on. */
export const texts = joined(element([...characters, "\ud83d", "\ude00", "\udfff", "\ud800", "\ufffd", "\u2028"]), 0, 8)

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
