/**
 * Where a page begins, as clients carry it around: opaque base64url. A list's cursor holds the `(at, id)` of the last item
 * seen; a stream's events are counted, so theirs holds the last number. What comes back is decoded as strictly as any input,
 * because it ends in a query; whatever is wrong with it, the complaint is one and the same.
 */
import { BroadcasterId, type Position, StreamId, Timestamp } from "@greenroom/core"
import { Effect, Option, Schema, SchemaIssue, SchemaTransformation } from "effect"

const MAX_LENGTH = 200

/** A schema of opaque text around an inner text; `read` is total. */
const opaque = <A>(read: (text: string) => Option.Option<A>, write: (value: A) => string) => {
  const decodeText = Schema.decodeUnknownOption(Schema.StringFromBase64Url)
  const encodeText = Schema.encodeSync(Schema.StringFromBase64Url)
  return Schema.String.annotate({
    description: "The `next_cursor` of an earlier answer",
    examples: ["WyIyMDI2LTExLTIx"]
  }).pipe(
    Schema.decodeTo(
      Schema.declare((_: unknown): _ is A => true),
      SchemaTransformation.transformEffect({
        decode: (text: string) =>
          Effect.mapError(
            Effect.fromOption(text.length > MAX_LENGTH ? Option.none() : Option.flatMap(decodeText(text), read)),
            () => new SchemaIssue.InvalidValue({ message: "Expected the next_cursor of an earlier answer" })
          ),
        encode: (value: A) => Effect.succeed(encodeText(write(value)))
      })
    )
  )
}

/** Every list is ordered by a date and an id; which entity's id it is does not matter here. */
const PositionText = Schema.fromJsonString(Schema.Tuple([Timestamp, BroadcasterId]))
const readPosition = Schema.decodeUnknownOption(PositionText)
const writePosition = Schema.encodeSync(PositionText)

export const ListCursor = opaque<Position>(
  (text) => Option.map(readPosition(text), ([at, id]) => ({ at, id })),
  ({ at, id }) => writePosition([at, BroadcasterId.make(id)])
)

const readStreamId = Schema.decodeUnknownOption(StreamId)

/** The last stream that was checked. */
export const CheckCursor = opaque<StreamId>(readStreamId, (id) => id)

/** The number of the last event seen. */
export const EventCursor = opaque<number>(
  (text) => (/^\d{1,9}$/.test(text) ? Option.some(Number(text)) : Option.none()),
  String
)
