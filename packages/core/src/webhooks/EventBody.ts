/** How an event is written as the body of a webhook request: the JSON that `GET /events` shows. The composition provides it, with REST's own encoder. */
import { Context, type Effect } from "effect"
import type { LoggedEvent } from "../domain/events/LoggedEvent.ts"

export class EventBody extends Context.Service<
  EventBody,
  { readonly write: (event: LoggedEvent) => Effect.Effect<string> }
>()("greenroom/EventBody") {}
