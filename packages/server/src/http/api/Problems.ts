/**
 * The problems as classes that handlers fail with and clients catch by `_tag`. On the wire each is an RFC 9457 document;
 * `instance`, `code` and `request_id` are added to every one of them where the answer leaves the service.
 */
import { Schema } from "effect"
import * as HttpApiError from "effect/http-api/HttpApiError"
import { EVENT_REFUSED_STATUS, type ProblemName, problemTypes, typeOf } from "../problems/problemTypes.ts"

const declared = <N extends ProblemName>(name: N) => ({
  type: typeOf(name),
  status: problemTypes[name].status as (typeof problemTypes)[N]["status"],
  title: problemTypes[name].title
})

const members = {
  code: Schema.optionalKey(Schema.String).annotate({ description: "The problem's stable name, for programs" }),
  request_id: Schema.optionalKey(Schema.String).annotate({ description: "The X-Request-ID of this answer" })
}

/** One value that was not as expected; `pointer` is a JSON pointer into the body, or `/` and a parameter's name. */
export const FieldError = Schema.Struct({ pointer: Schema.String, detail: Schema.String }).annotate({
  identifier: "Complaint",
  description:
    "One value that was not as expected: a JSON pointer (RFC 6901) into the body, or / and a parameter's name"
})
export type FieldError = typeof FieldError.Type

export class ValidationFailed extends HttpApiError.Problem<ValidationFailed>()(
  "ValidationFailed",
  declared("validation"),
  { ...members, errors: Schema.Array(FieldError) }
) {}
/** The same, as the pipeline's events answer it: 422, which their requirement asks for. */
export class EventRefused extends HttpApiError.Problem<EventRefused>()(
  "EventRefused",
  { ...declared("validation"), status: EVENT_REFUSED_STATUS },
  { ...members, errors: Schema.Array(FieldError) }
) {}
export class Unauthorized extends HttpApiError.Problem<Unauthorized>()(
  "Unauthorized",
  declared("unauthorized"),
  members
) {}
export class Forbidden extends HttpApiError.Problem<Forbidden>()("Forbidden", declared("forbidden"), members) {}
export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", declared("not-found"), members) {}
export class StreamNotFound extends HttpApiError.Problem<StreamNotFound>()(
  "StreamNotFound",
  declared("stream-not-found"),
  members
) {}
export class Conflict extends HttpApiError.Problem<Conflict>()("Conflict", declared("conflict"), members) {}
export class TooManyRequests extends HttpApiError.Problem<TooManyRequests>()(
  "TooManyRequests",
  declared("too-many-requests"),
  members
) {}
export class PayloadTooLarge extends HttpApiError.Problem<PayloadTooLarge>()(
  "PayloadTooLarge",
  declared("payload-too-large"),
  members
) {}
export class UnsupportedMediaType extends HttpApiError.Problem<UnsupportedMediaType>()(
  "UnsupportedMediaType",
  declared("unsupported-media-type"),
  members
) {}
export class InvalidStreamKey extends HttpApiError.Problem<InvalidStreamKey>()(
  "InvalidStreamKey",
  declared("invalid-stream-key"),
  members
) {}
export class StreamKeyInUse extends HttpApiError.Problem<StreamKeyInUse>()(
  "StreamKeyInUse",
  declared("stream-key-in-use"),
  members
) {}
export class StreamKeyRevoked extends HttpApiError.Problem<StreamKeyRevoked>()(
  "StreamKeyRevoked",
  declared("stream-key-revoked"),
  members
) {}
export class StreamKeyExpired extends HttpApiError.Problem<StreamKeyExpired>()(
  "StreamKeyExpired",
  declared("stream-key-expired"),
  members
) {}
export class StreamKeyDisabled extends HttpApiError.Problem<StreamKeyDisabled>()(
  "StreamKeyDisabled",
  declared("stream-key-disabled"),
  members
) {}
export class PathNotAllowed extends HttpApiError.Problem<PathNotAllowed>()(
  "PathNotAllowed",
  declared("path-not-allowed"),
  members
) {}
export class PathInUse extends HttpApiError.Problem<PathInUse>()("PathInUse", declared("path-in-use"), members) {}
export class ProtocolNotSupported extends HttpApiError.Problem<ProtocolNotSupported>()(
  "ProtocolNotSupported",
  declared("protocol-not-supported"),
  members
) {}
export class StoreProblem extends HttpApiError.Problem<StoreProblem>()(
  "StoreProblem",
  declared("store-unavailable"),
  members
) {}
export class Busy extends HttpApiError.Problem<Busy>()("Busy", declared("busy"), members) {}
export class Internal extends HttpApiError.Problem<Internal>()("Internal", declared("internal"), members) {}

/** What any call to the store may answer besides its own errors. */
export const always = [StoreProblem, Internal] as const
/** What a call with parameters may answer, too. */
export const onInput = [ValidationFailed, ...always] as const
/** What a list may answer, too. */
export const onList = [Busy, ...onInput] as const
/** What a call with a JSON body may answer, too. */
export const onBody = [ValidationFailed, PayloadTooLarge, UnsupportedMediaType, ...always] as const
