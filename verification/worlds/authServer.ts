/** An auth server for a real MediaMTX: notes every question and answers as it is told. Closed with its scope. */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import type { AuthQuestion } from "@greenroom/mediamtx-simulator"
import { Effect } from "effect"

export interface AuthServer {
  /** For `authHTTPAddress`. */
  readonly address: string
  readonly decideWith: (decide: (question: AuthQuestion) => Effect.Effect<boolean>) => Effect.Effect<void>
  /** Oldest first. What a version does not send is empty. */
  readonly questions: Effect.Effect<ReadonlyArray<AuthQuestion>>
  /** The same as they were sent. */
  readonly bodies: Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>>
}

const textOf = (request: Http.IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => resolve(Buffer.concat(chunks).toString()))
    request.on("error", reject)
  })

export const authServer = Effect.fnUntraced(function* (
  initial: (question: AuthQuestion) => Effect.Effect<boolean> = () => Effect.succeed(true)
) {
  let decide = initial
  const bodies: Array<Readonly<Record<string, unknown>>> = []
  const questionOf = (body: Readonly<Record<string, unknown>>) =>
    ({ token: "", userAgent: "", ...body }) as unknown as AuthQuestion
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  const handle = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
    const body = JSON.parse(await textOf(request))
    bodies.push(body)
    response.writeHead((await run(decide(questionOf(body)))) ? 200 : 401).end()
  }
  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const created = Http.createServer((request, response) => {
        handle(request, response).catch(() => response.writeHead(500).end())
      })
      created.listen(0, "127.0.0.1", () => resume(Effect.succeed(created)))
    }),
    (created) =>
      Effect.callback<void>((resume) => {
        created.close(() => resume(Effect.void))
        created.closeAllConnections()
      })
  )
  const made: AuthServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth`,
    decideWith: (next) =>
      Effect.sync(() => {
        decide = next
      }),
    questions: Effect.sync(() => bodies.map(questionOf)),
    bodies: Effect.sync(() => [...bodies])
  }
  return made
})
