/**
 * How rows become values. A row that does not decode is a defect: the database holds what this code did not write. Times are
 * `timestamptz(3)`, whole milliseconds. Statements that must say the database's clock even when they find nothing give every row
 * a `now`, and one row of nulls when there are none.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { inTurns, type Page, type PageRequest, type Position } from "@greenroom/core"
import { DateTime, Effect, Schema, SchemaTransformation } from "effect"

export type Row = { readonly [column: string]: unknown }

export const At = Schema.DateTimeUtcFromDate
export const MaybeAt = Schema.NullOr(At)
export const MaybeText = Schema.NullOr(Schema.String)
export const JsonObject = Schema.Record(Schema.String, Schema.Unknown)

/** A `bigint` that fits a JavaScript number: 9 PB of bytes do. */
export const WholeNumber = Schema.BigInt.pipe(
  Schema.decodeTo(Schema.Int, SchemaTransformation.transform({ decode: Number, encode: BigInt }))
)

/** Decodes all rows of a statement; throws, which is a defect where it runs. */
export const rowsOf = <S extends Schema.ConstraintDecoder<unknown>>(row: S) =>
  Schema.decodeUnknownSync(Schema.Array(row))

const nowOf = Schema.decodeUnknownSync(Schema.Struct({ now: At }))

/** The clock of a statement of which every row says `now`, and the rows that are there. */
export const rowsAtOf = <S extends Schema.ConstraintDecoder<unknown>>(row: S) => {
  const decode = rowsOf(row)
  return (rows: ReadonlyArray<Row>): { readonly now: DateTime.Utc; readonly items: ReadonlyArray<S["Type"]> } => ({
    now: nowOf(rows[0]).now,
    items: decode(rows.filter(({ id }) => id !== null))
  })
}

/** The same of a list without a limit: its rows are decoded in turns. */
export const rowsAtInTurns = <S extends Schema.ConstraintDecoder<unknown>>(row: S) => {
  const decode = rowsOf(row)
  return (rows: ReadonlyArray<Row>) =>
    Effect.map(
      inTurns(rows, (part) => decode(part.filter(({ id }) => id !== null))),
      (parts) => ({ now: nowOf(rows[0]).now, items: parts.flat() })
    )
}

export const dateOf = (at: DateTime.Utc | null): Date | null => (at === null ? null : DateTime.toDateUtc(at))

/** The condition of being on the page: `columns` are the time and the id by which the list is ordered. */
export const onPage = (sql: PgClient, columns: string, { after }: PageRequest) =>
  after === null ? sql`true` : sql`(${sql.literal(columns)}) < (${dateOf(after.at)}::timestamptz, ${after.id}::uuid)`

/** How many rows to ask for, so that it shows whether there is another page; `null` asks for all. */
export const rowsFor = ({ limit }: PageRequest): number | null => (limit === null ? null : limit + 1)

export const pageOf = <A>(
  request: PageRequest,
  now: DateTime.Utc,
  items: ReadonlyArray<A>,
  positionOf: (item: A) => Position
): Page<A> => {
  const more = request.limit !== null && items.length > request.limit
  const shown = more ? items.slice(0, request.limit) : items
  const last = shown.at(-1)
  return { items: shown, next: more && last !== undefined ? positionOf(last) : null, now }
}
