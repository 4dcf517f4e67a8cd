/** Instances that deliver webhooks over one store in memory, and a receiver that does what a test wants, on the test clock. */
import { layerRepositories, MemoryStore } from "@greenroom/adapters/memory"
import {
  type BroadcasterId,
  Broadcasters,
  deliverWebhooks,
  EventBody,
  EventFeed,
  Events,
  replacePorts,
  SecretCipher,
  SecretUnreadable,
  type SendOutcome,
  StoreUnavailable,
  type WebhookEndpointFields,
  type WebhookEndpointId,
  WebhookEndpoints,
  type WebhookRequest,
  WebhookSender,
  type WebhookUrl
} from "@greenroom/core"
import { aBroadcaster, newId } from "@greenroom/testing/fixtures"
import { Clock, Effect, Fiber, Layer, Redacted, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { OK } from "../support/deliveries.ts"
import { collector } from "../support/logs.ts"

export interface Received extends WebhookRequest {
  readonly at: number
  readonly subject: string
  readonly secretTexts: ReadonlyArray<string>
  outcome: SendOutcome | null
}

export const urlOf = (name: string) => `https://${name}.example/hooks` as WebhookUrl

/** What the receiver does, in its default: it accepts at once. */
export type Respond = (request: Received, earlier: ReadonlyArray<Received>) => Effect.Effect<SendOutcome>

export const makeReceiver = () => {
  const requests: Array<Received> = []
  const receiver = {
    requests,
    respond: (() => Effect.succeed(OK)) as Respond,
    /** The most requests that were open at once for one event of one URL, and in all. */
    together: 0,
    open: 0,
    mostOpen: 0,
    of: (url: WebhookUrl) => requests.filter((request) => request.url === url),
    accepted: (url: WebhookUrl) =>
      requests.filter(
        (request) => request.url === url && request.outcome?._tag === "Answered" && request.outcome.status < 300
      )
  }
  const send = Effect.fnUntraced(function* (request: WebhookRequest) {
    const { subject } = JSON.parse(request.body) as { readonly subject: string }
    const received: Received = {
      ...request,
      subject,
      at: yield* Clock.currentTimeMillis,
      secretTexts: request.secrets.map(Redacted.value),
      outcome: null
    }
    const earlier = [...requests]
    requests.push(received)
    receiver.open += 1
    receiver.mostOpen = Math.max(receiver.mostOpen, receiver.open)
    const same = requests.filter(({ id, url, outcome }) => id === request.id && url === request.url && outcome === null)
    receiver.together = Math.max(receiver.together, same.length)
    const outcome = yield* Effect.onInterrupt(receiver.respond(received, earlier), () =>
      Effect.sync(() => {
        receiver.open -= 1
        received.outcome = { _tag: "NoAnswer", why: "other", detail: "interrupted", durationMillis: 0 }
      })
    )
    receiver.open -= 1
    received.outcome = outcome
    return outcome
  })
  const layer = Layer.succeed(WebhookSender, { send, newSecret: Effect.die("not here") })
  return { receiver, layer }
}

const cipher = Layer.succeed(SecretCipher, {
  hasKey: true,
  encrypt: (text) => Effect.sync(() => new TextEncoder().encode(Redacted.value(text))),
  decrypt: (bytes) => {
    const text = new TextDecoder().decode(bytes)
    return text.startsWith("broken")
      ? Effect.fail(new SecretUnreadable({ reason: "wrong_bytes" }))
      : Effect.succeed(Redacted.make(text))
  }
})

const body = Layer.succeed(EventBody, {
  write: ({ id, type, position, subject }) => Effect.sync(() => JSON.stringify({ id, type, position, subject }))
})

/** A store that does not answer some of its callers: `down` names holders, `all` everyone. */
export const makeFaults = () => {
  const faults = { down: new Set<string>(), all: false, reads: 0 }
  const failing = (holder: string | null) => faults.all || (holder !== null && faults.down.has(holder))
  const guard =
    (operation: string, holder: string | null) =>
    <A>(effect: Effect.Effect<A, StoreUnavailable>) =>
      Effect.suspend(() =>
        failing(holder) ? Effect.fail(new StoreUnavailable({ operation, cause: new Error("silence") })) : effect
      )
  const layer = replacePorts(({ webhookEndpoints: port, events }) => ({
    events: Events.of({
      ...events,
      read: (after, filter, limit) => {
        faults.reads += 1
        return guard("Events.read", null)(events.read(after, filter, limit))
      }
    }),
    webhookEndpoints: WebhookEndpoints.of({
      ...port,
      lease: (holder, options) => guard("lease", holder)(port.lease(holder, options)),
      release: (holder) => guard("release", holder)(port.release(holder)),
      settle: (id, by, settlement) => guard("settle", by.holder)(port.settle(id, by, settlement))
    })
  }))
  return { faults, layer }
}

export const makeWorld = () => {
  const { receiver, layer: sender } = makeReceiver()
  const { faults, layer: guarded } = makeFaults()
  const log = collector()
  const store = Layer.provideMerge(guarded, Layer.provideMerge(layerRepositories, MemoryStore.layer))
  const layer = Layer.mergeAll(sender, cipher, body, log.layer).pipe(
    Layer.provideMerge(Layer.provideMerge(EventFeed.layer, store))
  )
  return { receiver, faults, log, layer: Layer.fresh(layer) }
}

export const secretOf = (text: string) => new TextEncoder().encode(text)

export const createEndpoint = Effect.fnUntraced(function* (name: string, fields: Partial<WebhookEndpointFields> = {}) {
  const endpoints = yield* WebhookEndpoints
  const id = newId<WebhookEndpointId>()
  const all = { url: urlOf(name), types: null, broadcasterId: null, description: null, enabled: true, ...fields }
  yield* endpoints.create(id, all, secretOf(`whsec_${name}`))
  return id
})

/** An instance, until it is stopped or the test ends. */
export const run = (holder: string) => Effect.forkScoped(deliverWebhooks(holder))

/** As if it were killed: its last words do not reach the store. */
export const kill = Effect.fnUntraced(function* <A, E>(
  faults: { readonly down: Set<string> },
  holder: string,
  fiber: Fiber.Fiber<A, E>
) {
  faults.down.add(holder)
  const ended = yield* Effect.forkScoped(Fiber.interrupt(fiber))
  // It waits a second for open requests.
  yield* TestClock.adjust("2 seconds")
  yield* Fiber.join(ended)
})

/** `n` broadcasters: each is a subject of its own. */
export const subjects = (
  n: number
): Effect.Effect<ReadonlyArray<BroadcasterId>, unknown, Effect.Services<ReturnType<typeof aBroadcaster>>> =>
  Effect.forEach(Array.from({ length: n }), () => Effect.map(aBroadcaster(), ({ id }) => id))

let changes = 0
/** One event of the subject. */
export const change = Effect.fnUntraced(function* (id: BroadcasterId) {
  const broadcasters = yield* Broadcasters
  // Two changes of one millisecond are two events.
  yield* TestClock.adjust("1 millis")
  yield* broadcasters.change(id, { contact: `change ${++changes}` })
})

export type InWorld<A> = Effect.Effect<A, unknown, Layer.Success<ReturnType<typeof makeWorld>["layer"]> | Scope.Scope>
