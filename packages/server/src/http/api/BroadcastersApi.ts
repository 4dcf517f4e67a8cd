/** Broadcasters: who may be given stream keys. */
import { BroadcasterId, Contact, DisplayName, ExternalId, PlaybackPolicy, Timestamp } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { pageQuery, totalQuery } from "./Cursor.ts"
import { MetadataInput, MetadataKept } from "./Input.ts"
import { needs, needsWholeFleet } from "./OperationAccess.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import { exampleIds, maybeTotal, named, nullable, pageOf, summary, wire } from "./wire.ts"

export const broadcasterExample = {
  id: exampleIds.broadcaster,
  external_id: "user-4711",
  display_name: "Studio One",
  contact: "ops@studio.example",
  metadata: { account: 4711 },
  playback: null,
  created_at: "2026-11-21T01:30:00.000Z",
  updated_at: "2026-11-21T01:30:00.000Z"
}
const { external_id, display_name, contact, metadata } = broadcasterExample

const Playback = nullable(PlaybackPolicy).annotate({
  description:
    "Who may watch the streams of keys without a policy: everybody (`public`), or who has a playback token (`token`); `null`: as the service has it (`PLAYBACK_DEFAULT`)"
})

export const Broadcaster = wire(
  {
    id: BroadcasterId,
    externalId: nullable(Schema.String).annotate({ description: "Your own id for them" }),
    displayName: Schema.String,
    contact: nullable(Schema.String),
    metadata: MetadataKept,
    playback: Playback,
    createdAt: Timestamp,
    updatedAt: Timestamp
  },
  named("Broadcaster", broadcasterExample)
)

export const NewBroadcaster = wire(
  {
    externalId: Schema.optionalKey(nullable(ExternalId)),
    displayName: DisplayName,
    contact: Schema.optionalKey(nullable(Contact)),
    metadata: Schema.optionalKey(MetadataInput),
    playback: Schema.optionalKey(Playback)
  },
  named("NewBroadcaster", { external_id, display_name, contact, metadata })
)

export const BroadcasterChanges = wire(
  {
    externalId: Schema.optionalKey(nullable(ExternalId)),
    displayName: Schema.optionalKey(DisplayName),
    contact: Schema.optionalKey(nullable(Contact)),
    metadata: Schema.optionalKey(MetadataInput),
    playback: Schema.optionalKey(Playback)
  },
  named(
    "BroadcasterChanges",
    { contact: null },
    "What is left out stays as it is; `null` clears; `metadata` is replaced as a whole"
  )
)

export const BroadcasterPage = pageOf(
  "broadcasters",
  Broadcaster,
  named("BroadcasterPage", { broadcasters: [broadcasterExample], count: 1, next_cursor: null, total: 1 }),
  maybeTotal
)

/** The answer while streams of a deleted broadcaster may still be on the air. */
export const BroadcasterLeaving = Schema.Struct({ id: BroadcasterId, message: Schema.String }).annotate(
  named("BroadcasterLeaving", {
    id: exampleIds.broadcaster,
    message: "The broadcaster is deleted; its streams are being taken off the air"
  })
)

const params = { id: BroadcasterId }

export class BroadcastersApi extends HttpApiGroup.make("broadcasters")
  .add(
    HttpApiEndpoint.post("create", "/broadcasters", {
      payload: NewBroadcaster,
      success: HttpApiSchema.WithHeaders(Broadcaster.pipe(HttpApiSchema.status(201)), { location: Schema.String }),
      error: problems("conflict", ...onBody)
    })
      .annotateMerge(needsWholeFleet("broadcasters:write", "broadcaster.create"))
      .annotateMerge(
        summary(
          "Create a broadcaster",
          "`external_id` is your own id for them, if you have one. A conflict when another broadcaster has it; the id of a deleted broadcaster is free."
        )
      ),
    HttpApiEndpoint.get("list", "/broadcasters", {
      query: wire({
        externalId: Schema.optionalKey(
          ExternalId.annotate({ description: "Only the broadcaster with this id of yours: one or none" })
        ),
        ...totalQuery,
        ...pageQuery
      }),
      success: BroadcasterPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("broadcasters:read"))
      .annotateMerge(summary("List broadcasters", "Newest first.")),
    HttpApiEndpoint.get("get", "/broadcasters/:id", {
      params,
      success: Broadcaster,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("broadcasters:read"))
      .annotateMerge(summary("Get a broadcaster")),
    HttpApiEndpoint.patch("change", "/broadcasters/:id", {
      params,
      payload: BroadcasterChanges,
      success: Broadcaster,
      error: problems("not-found", "conflict", ...onBody)
    })
      .annotateMerge(needs("broadcasters:write", "broadcaster.change"))
      .annotateMerge(
        summary(
          "Change a broadcaster",
          "Any subset of the fields. A conflict when another broadcaster has the `external_id`."
        )
      ),
    HttpApiEndpoint.delete("remove", "/broadcasters/:id", {
      params,
      // The body first: the schema of an empty answer takes any value.
      success: [BroadcasterLeaving.pipe(HttpApiSchema.status(202)), HttpApiSchema.NoContent],
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("broadcasters:write", "broadcaster.delete"))
      .annotateMerge(
        summary(
          "Delete a broadcaster",
          "Revokes its stream keys and takes its streams off the air; past streams stay on record. 204 when none of its streams is left on the media server; 202 when that could not be confirmed within 2 seconds: the service goes on trying."
        )
      )
  )
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Broadcasters", description: "Who may be given stream keys." })) {}
