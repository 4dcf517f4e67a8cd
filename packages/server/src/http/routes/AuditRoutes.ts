/** The audit log's endpoints: pages of it, exports of all that match, and what frontends record. */
import {
  type AuditFilter,
  type AuditEntry as Entry,
  listAuditLog,
  type Position,
  recordAuditEvent
} from "@greenroom/core"
import { Effect, Option, Stream } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { AuditEntry, type AuditQuery, type NewAuditEvent } from "../api/AuditApi.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { invalid } from "../problems/Problem.ts"
import { auditEntryShown, csvHead, csvRow, ndjsonLine } from "./auditShown.ts"
import { pageRequest, storeFailureToDefect, withCursor } from "./handling.ts"

const answerPage = pageAnswer("audit_logs", AuditEntry, auditEntryShown)

/** Rows that are read at once for an export. */
const EXPORTED_AT_ONCE = 100

/** Every entry after the position, page by page as the client takes them. */
const entriesFrom = (filter: AuditFilter, from: Position | null) =>
  Stream.paginate(from, (after) =>
    Effect.map(
      Effect.orDie(listAuditLog(filter, { limit: EXPORTED_AT_ONCE, after })),
      ({ items, next }): readonly [ReadonlyArray<Entry>, Option.Option<Position | null>] => [
        items,
        next === null ? Option.none() : Option.some(next)
      ]
    )
  )

const exported = Effect.fnUntraced(function* (format: "csv" | "ndjson", filter: AuditFilter, from: Position | null) {
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof listAuditLog>>>()
  const rows = Stream.map(entriesFrom(filter, from), format === "csv" ? csvRow : ndjsonLine)
  const text = format === "csv" ? Stream.concat(Stream.succeed(csvHead), rows) : rows
  return HttpServerResponse.stream(Stream.provideContext(Stream.encodeText(text), context), {
    contentType: format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson",
    headers: { "content-disposition": `attachment; filename="audit-log.${format}"` }
  })
})

const record = Effect.fnUntraced(function* (event: typeof NewAuditEvent.Type) {
  const { resourceId = null, broadcasterId = null, outcome = "succeeded", details = null, ...rest } = event
  const recorded = yield* recordAuditEvent({ ...rest, resourceId, broadcasterId, outcome, details })
  if (!recorded)
    return yield* invalid([
      { pointer: "/broadcaster_id", detail: "Expected the broadcaster that the token is limited to" }
    ])
})

const filterOf = ({ format: _, limit: __, cursor: ___, action, ...filter }: typeof AuditQuery.Type): AuditFilter => ({
  ...filter,
  ...(action === undefined ? {} : { actions: action.split(",") })
})

export const layer = HttpApiBuilder.group(
  ServedApi,
  "audit",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers
      .handleRaw("list", ({ query }) => {
        const { format = "json", limit, cursor } = query
        return format === "json"
          ? listAuditLog(filterOf(query), pageRequest({ limit, cursor })).pipe(
              Effect.map(withCursor),
              Effect.flatMap(answerPage),
              answerList
            )
          : exported(format, filterOf(query), cursor ?? null)
      })
      .handle("record", ({ payload }) => storeFailureToDefect(record(payload)))
  })
)
