/** The bodies of webhooks: the JSON that `GET /events` shows of the same event. */
import { type Endpoints, EventBody, type MediaServer } from "@greenroom/core"
import { Effect, Layer } from "effect"
import { eventText } from "./eventShown.ts"

export const layer: Layer.Layer<EventBody, never, Endpoints | MediaServer> = Layer.effect(
  EventBody,
  Effect.map(Effect.context<Endpoints | MediaServer>(), (context) =>
    EventBody.of({ write: (event) => Effect.provideContext(eventText(event), context) })
  )
)
