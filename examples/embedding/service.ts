/**
 * Greenroom inside a Node service with an HTTP of its own: PostgreSQL behind it, a MediaMTX beside it whose `authHTTPAddress` is this
 * service's `/auth`. What it takes: the adapters, four settings, a runtime that lives as long as the service, and one answer.
 *
 *   DATABASE_URL=postgres://… MEDIAMTX_API_URL=http://127.0.0.1:9997 API_SECRET=… PORT=8081 npm run service
 */
import { createServer, type IncomingMessage } from "node:http"
import { MediaMtx } from "@greenroom/adapters/mediamtx"
import { JoseTokenSigner, NodeKeyMint } from "@greenroom/adapters/node"
import { Postgres } from "@greenroom/adapters/postgres"
import * as Greenroom from "@greenroom/core"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"

const { DATABASE_URL, API_SECRET, MEDIAMTX_API_URL = "http://127.0.0.1:9997", PORT = "8081" } = process.env
if (!DATABASE_URL || !API_SECRET) throw new Error("DATABASE_URL and API_SECRET are needed")
const database = { url: Redacted.make(DATABASE_URL) }
const secret = Redacted.make(API_SECRET)

const settings = Layer.mergeAll(
  // MediaMTX asks `/auth` about calls of its control API, too, and these show the secret.
  Layer.effect(
    Greenroom.OperatorSecret,
    Effect.map(Greenroom.KeyGenerator, (mint) => ({ hash: mint.hash(secret) }))
  ),
  Layer.succeed(Greenroom.Endpoints, Greenroom.endpointsBehind("https://media.example.com")),
  Layer.succeed(Greenroom.ReconcilePolicy, {
    unauthorized: "report",
    massKickLimit: 10,
    enforce: false,
    holder: crypto.randomUUID()
  })
)
const ports = Layer.mergeAll(
  Postgres.layer(database, { migrate: "auto" }),
  MediaMtx.layer({ apiUrl: MEDIAMTX_API_URL, user: "greenroom", password: secret }),
  Layer.provideMerge(settings, NodeKeyMint.layer),
  JoseTokenSigner.layer
)
const greenroom = ManagedRuntime.make(Layer.provideMerge(Greenroom.layerBackground, ports))

const MAX_BODY = 64 * 1024
const jsonOf = async (request: IncomingMessage) => {
  let body = ""
  for await (const chunk of request) {
    body += chunk
    if (body.length > MAX_BODY) throw new Error("the body is too long")
  }
  return JSON.parse(body)
}

/** Credentials are `Redacted` before anything else sees them. */
const hidden = (value: unknown) => (typeof value === "string" ? Redacted.make(value) : undefined)
const text = (value: unknown) => (typeof value === "string" ? value : undefined)
const callOf = (body: Record<string, unknown>): Greenroom.AuthCall => ({
  action: text(body.action),
  path: text(body.path) ?? "",
  protocol: text(body.protocol),
  id: body.id === null ? null : text(body.id),
  user: hidden(body.user),
  password: hidden(body.password),
  token: hidden(body.token),
  query: hidden(body.query)
})

/** 200 lets in; MediaMTX takes everything else for a refusal, and writes the body into its own log. */
const answer = Effect.fnUntraced(
  function* (call: Greenroom.AuthCall) {
    const ask = Greenroom.readAuthCall(call)
    if (ask._tag === "Incomplete") return [400, ask.detail] as const
    const decision = yield* Greenroom.authenticate(ask)
    return decision._tag === "Refuse" ? ([401, decision.detail] as const) : ([200, ""] as const)
  },
  Effect.catchTag("StoreUnavailable", () => Effect.succeed([503, "the database does not answer"] as const))
)

/** A broadcaster with a key. The value is shown this once; what is stored is its hash. */
const newKey = Effect.gen(function* () {
  const studio = yield* Greenroom.createBroadcaster({ displayName: "Studio One", contact: null, metadata: {} })
  const order = { broadcasterId: studio.id, label: "Main camera", expiresAt: null }
  const issued = yield* Greenroom.issueKey(order)
  if (issued._tag !== "Issued") return yield* Effect.die(issued._tag)
  return { path: issued.ingestPath, key: Redacted.value(issued.value) }
})

const live = Effect.map(
  Greenroom.listActive({ status: ["connecting", "active"] }, { limit: null, after: null }),
  ({ items }) => items.map(({ stream, urls }) => ({ path: stream.path, state: stream.state._tag, urls }))
)

const respond = async (request: IncomingMessage): Promise<readonly [number, unknown]> => {
  switch (`${request.method} ${request.url}`) {
    case "POST /auth":
      return greenroom.runPromise(answer(callOf(await jsonOf(request))))
    case "POST /keys":
      return [201, await greenroom.runPromise(newKey)]
    case "GET /live":
      return [200, await greenroom.runPromise(live)]
    default:
      return [404, "nothing is here"]
  }
}

const server = createServer((request, response) => {
  respond(request)
    .catch(() => [500, "something broke"] as const)
    .then(([status, body]) => response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body)))
})

// The layers are built, the schema is up to date and the reconciler looks before anybody is answered.
await greenroom.context()
server.listen(Number(PORT), "127.0.0.1", () => console.log(`ready at ${(server.address() as { port: number }).port}`))
process.once("SIGTERM", () => server.close(() => void greenroom.dispose()).closeAllConnections())
