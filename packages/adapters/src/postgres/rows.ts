/**
 * Decodes rows to values. A row that does not decode is a defect: this code did not write it. Times are `timestamptz(3)`, whole
 * milliseconds. Some statements must return the database's clock even when they find nothing: each of their rows has `now`, and
 * without any other row there is one of nulls.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { type Page, type PageRequest, type Position, playbackPolicies } from "@greenroom/core"
import { inTurns } from "@greenroom/core/internal"
import { DateTime, Effect, Schema, SchemaTransformation } from "effect"

export type Row = { readonly [column: string]: unknown }

export const At = Schema.DateTimeUtcFromDate
export const MaybeAt = Schema.NullOr(At)
export const MaybeText = Schema.NullOr(Schema.String)
/** Was checked when it was written. */
export const MaybeExternalId = Schema.NullOr(Schema.String.pipe(Schema.brand("ExternalId")))
export const MaybePlayback = Schema.NullOr(Schema.Literals(playbackPolicies))
export const JsonObject = Schema.Record(Schema.String, Schema.Unknown)

/** A `bigint` that fits a JavaScript number: 9 PB of bytes do. */
export const WholeNumber = Schema.BigInt.pipe(
  Schema.decodeTo(Schema.Int, SchemaTransformation.transform({ decode: Number, encode: BigInt }))
)

/** Decodes all rows of a statement. Throws, which is a defect in an effect. */
export const rowsOf = <S extends Schema.ConstraintDecoder<unknown>>(row: S) =>
  Schema.decodeUnknownSync(Schema.Array(row))

const nowOf = Schema.decodeUnknownSync(Schema.Struct({ now: At }))

/** The clock of a statement whose rows have `now`, and its rows without the one of nulls. */
export const rowsAtOf = <S extends Schema.ConstraintDecoder<unknown>>(row: S) => {
  const decode = rowsOf(row)
  return (rows: ReadonlyArray<Row>): { readonly now: DateTime.Utc; readonly items: ReadonlyArray<S["Type"]> } => ({
    now: nowOf(rows[0]).now,
    items: decode(rows.filter(({ id }) => id !== null))
  })
}

/** The same for a list without a limit: decodes its rows in turns, so that other fibers run in between. */
export const rowsAtInTurns = <S extends Schema.ConstraintDecoder<unknown>>(row: S) => {
  const decode = rowsOf(row)
  return (rows: ReadonlyArray<Row>) =>
    Effect.map(
      inTurns(rows, (part) => decode(part.filter(({ id }) => id !== null))),
      (parts) => ({ now: nowOf(rows[0]).now, items: parts.flat() })
    )
}

export const dateOf = (at: DateTime.Utc | null): Date | null => (at === null ? null : DateTime.toDateUtc(at))

/** The condition for rows of the page: `columns` are the time and the id by which the list is ordered. */
export const onPage = (sql: PgClient, columns: string, { after }: PageRequest, id: "uuid" | "text" = "uuid") =>
  after === null
    ? sql`true`
    : sql`(${sql.literal(columns)}) < (${dateOf(after.at)}::timestamptz, ${after.id}::${sql.literal(id)})`

/**
 * One row more than the page's limit, which shows whether there is another page. The number stands in the statement itself: with a
 * parameter PostgreSQL takes a tenth of the table to be wanted, and plans each execution anew once the table is large.
 */
export const limitTo = (sql: PgClient, { limit }: PageRequest) =>
  sql.literal(limit === null ? "" : `limit ${Math.trunc(limit) + 1}`)

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
