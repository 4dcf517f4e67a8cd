/** Broadcasters: who may be given stream keys. */
import { BroadcasterId, Contact, DisplayName } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { ListCursor } from "./Cursor.ts"
import { Limit, MetadataInput } from "./Input.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import { Broadcaster, pageOf } from "./Wire.ts"

export const NewBroadcaster = Schema.Struct({
  display_name: DisplayName,
  contact: Schema.optionalKey(Schema.NullOr(Contact)),
  metadata: Schema.optionalKey(MetadataInput)
}).annotate({ identifier: "NewBroadcaster" })

export const BroadcasterChanges = Schema.Struct({
  display_name: Schema.optionalKey(DisplayName),
  contact: Schema.optionalKey(Schema.NullOr(Contact)),
  metadata: Schema.optionalKey(MetadataInput)
}).annotate({
  identifier: "BroadcasterChanges",
  description: "What is left out stays as it is; `null` clears; `metadata` is replaced as a whole"
})

export const BroadcasterPage = Schema.Struct(pageOf("broadcasters", Broadcaster)).annotate({
  identifier: "BroadcasterPage"
})

/** The answer while streams of a deleted broadcaster may still be on the air. */
export const BroadcasterLeaving = Schema.Struct({ id: BroadcasterId, message: Schema.String }).annotate({
  identifier: "BroadcasterLeaving"
})

const params = { id: BroadcasterId }
const say = (summary: string, description?: string) => OpenApi.annotations({ summary, description })

export class BroadcastersApi extends HttpApiGroup.make("broadcasters")
  .add(
    HttpApiEndpoint.post("create", "/broadcasters", {
      payload: NewBroadcaster,
      success: HttpApiSchema.WithHeaders(Broadcaster.pipe(HttpApiSchema.status(201)), { location: Schema.String }),
      error: problems(...onBody)
    }).annotateMerge(say("Create a broadcaster")),
    HttpApiEndpoint.get("list", "/broadcasters", {
      query: { limit: Schema.optionalKey(Limit), cursor: Schema.optionalKey(ListCursor) },
      success: BroadcasterPage,
      error: problems(...onList)
    }).annotateMerge(say("List broadcasters", "Newest first.")),
    HttpApiEndpoint.get("get", "/broadcasters/:id", {
      params,
      success: Broadcaster,
      error: problems("not-found", ...onInput)
    }).annotateMerge(say("Get a broadcaster")),
    HttpApiEndpoint.patch("change", "/broadcasters/:id", {
      params,
      payload: BroadcasterChanges,
      success: Broadcaster,
      error: problems("not-found", ...onBody)
    }).annotateMerge(say("Change a broadcaster", "Any subset of the fields.")),
    HttpApiEndpoint.delete("remove", "/broadcasters/:id", {
      params,
      // The body first: the schema of an empty answer takes any value.
      success: [BroadcasterLeaving.pipe(HttpApiSchema.status(202)), HttpApiSchema.NoContent],
      error: problems("not-found", ...onInput)
    }).annotateMerge(
      say(
        "Delete a broadcaster",
        "Revokes its stream keys and takes its streams off the air; past streams stay on record. 204 when none of its streams is left on the media server; 202 when that could not be confirmed within 2 seconds: the service goes on trying."
      )
    )
  )
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Broadcasters", description: "Who may be given stream keys." })) {}
