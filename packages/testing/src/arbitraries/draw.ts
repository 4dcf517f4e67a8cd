/** How arbitraries are made of others: values on and around boundaries, not only random ones. Each shrinks towards the first of its choices. */
import { Arbitrary, Schema } from "effect"

/** One of the values; shrinks to those before it. */
export const element = <const A>(values: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(
    Arbitrary.schema(Schema.Literals(values.map((_, index) => index)), {
      shrink: (index) => Array.from({ length: index }, (_, smaller) => smaller)
    }),
    (index) => values[index] as A
  )

/** What one of the choices gives; shrinks to those before it. */
export const oneOf = <A>(choices: ReadonlyArray<Arbitrary.Arbitrary<A>>): Arbitrary.Arbitrary<A> =>
  Arbitrary.flatMap(element(choices), (choice) => choice)

/** `null`, or in one of two cases a value; `often`: how many `null`s to one value. */
export const maybe = <A>(arbitrary: Arbitrary.Arbitrary<A>, often = 1): Arbitrary.Arbitrary<A | null> =>
  oneOf<A | null>([...Array.from({ length: often }, () => element([null])), arbitrary])

/** A whole number from `minimum` to `maximum`, both included. */
export const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

export const boolean: Arbitrary.Arbitrary<boolean> = element([false, true])

export const joined = (
  item: Arbitrary.Arbitrary<string>,
  minLength: number,
  maxLength: number,
  separator = ""
): Arbitrary.Arbitrary<string> =>
  Arbitrary.map(Arbitrary.array(item, { minLength, maxLength }), (parts) => parts.join(separator))
