/** The audit log as that frontend reads it, by offset, and what it records in it. */
import { type AuditFilter, countAuditLog, listAuditLog, recordAuditEvent, Timestamp } from "@greenroom/core"
import { Effect, Layer, Option, Schema } from "effect"
import { invalid } from "../problems/Problem.ts"
import { actionOfEvent, auditEntryShown, eventRecorded, filterOf } from "./auditWords.ts"
import { answer, bodyOf, wholeOf } from "./mountAnswers.ts"
import { signedRoute } from "./signedRoute.ts"

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 200
/** A page behind it is found by a filter. */
const OFFSET_MAX = 2_000

const wholeIn = (query: URLSearchParams, name: string, unless: number, most: number): number | null => {
  const text = query.get(name) ?? String(unless)
  return /^\d{1,6}$/.test(text) && Number(text) <= most ? Number(text) : null
}

const decodeTime = Schema.decodeUnknownOption(Timestamp)
const timeIn = (query: URLSearchParams, name: "from" | "to") => Option.getOrUndefined(decodeTime(query.get(name)))

const questionOf = Effect.fnUntraced(function* (query: URLSearchParams) {
  const limit = wholeIn(query, "limit", LIMIT_DEFAULT, LIMIT_MAX)
  const offset = wholeIn(query, "offset", 0, OFFSET_MAX)
  if (limit === null || limit === 0)
    return yield* invalid([{ pointer: "/limit", detail: `Expected a whole number from 1 to ${LIMIT_MAX}` }])
  if (offset === null)
    return yield* invalid([{ pointer: "/offset", detail: `Expected a whole number from 0 to ${OFFSET_MAX}` }])
  const [from, to] = [timeIn(query, "from"), timeIn(query, "to")]
  const filter: AuditFilter = {
    ...filterOf(Object.fromEntries(query)),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to })
  }
  return { limit, offset, filter }
})

const list = signedRoute("GET", "/audit-logs", null, (_, query) =>
  Effect.gen(function* () {
    const { limit, offset, filter } = yield* questionOf(query)
    const total = yield* countAuditLog(filter)
    const entries = yield* wholeOf((page) => listAuditLog(filter, page), offset + limit)
    return yield* answer({
      audit_logs: entries.slice(offset).map(auditEntryShown),
      pagination: { limit, offset, total }
    })
  })
)

const optionalText = Schema.optionalKey(Schema.String)
const newEvent = bodyOf(
  Schema.Struct({
    event_type: Schema.String.check(
      Schema.makeFilter(
        (text) =>
          /^[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}$/.test(actionOfEvent(text)) ||
          "Expected small letters, digits and _, such as user_login"
      )
    ),
    actor: optionalText,
    resource_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
    request_method: optionalText,
    request_path: optionalText,
    outcome: Schema.optionalKey(Schema.Literals(["success", "failure"])),
    failure_reason: Schema.optionalKey(Schema.NullOr(Schema.String)),
    metadata: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
  })
)

/** It takes the entry back, but only looks whether there was an error. */
const record = signedRoute("POST", "/audit-events", "audit_event.record", (text) =>
  Effect.gen(function* () {
    const event = eventRecorded(yield* newEvent(text))
    yield* recordAuditEvent(event)
    const { items } = yield* listAuditLog({ actions: [event.action], actor: event.actor }, { limit: 1, after: null })
    return yield* answer(items[0] === undefined ? {} : auditEntryShown(items[0]), 201)
  })
)

export const layer = Layer.merge(list, record)
