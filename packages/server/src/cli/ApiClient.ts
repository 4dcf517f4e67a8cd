/**
 * The HTTP API as the CLI calls it: a client derived from the definition that the server implements, so that a renamed field breaks
 * the build and not the operator. Every call has a deadline, ends as a value or as a `CommandFailed`, and brings along the JSON
 * as it came, which `--json` prints. The client itself is made in `HttpApiClient.ts`.
 */
import { ByteSize, Context, Effect } from "effect"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type * as HttpApiClient from "effect/http-api/HttpApiClient"
import type { ServedApi } from "../http/api/Api.ts"
import { asFailure } from "./apiErrors.ts"
import { type CommandFailed, failed } from "./CommandFailed.ts"

const DEADLINE_SECONDS = 10
/** Far above any list: an unknown server at the address must not fill the memory. */
const MAX_ANSWER = ByteSize.mebibytes(64)

type Client = HttpApiClient.ForApi<typeof ServedApi, CommandFailed>

export class ApiClient extends Context.Service<ApiClient, { readonly url: string; readonly client: Client }>()(
  "greenroom/cli/ApiClient"
) {}

/** An answer, decoded, and as JSON. `wire` is `null` when there was no body. */
export interface Answer<A> {
  readonly value: A
  readonly wire: unknown
}

/** Calls the service: `call((greenroom) => greenroom.streams.get({ params, responseMode: both }))`. */
export const call = Effect.fnUntraced(function* <A, E>(
  ask: (greenroom: Client) => Effect.Effect<[A, HttpClientResponse.HttpClientResponse], E>,
  seconds: number = DEADLINE_SECONDS
): Effect.fn.Return<Answer<A>, CommandFailed, ApiClient> {
  const { url, client } = yield* ApiClient
  return yield* ask(client).pipe(
    Effect.flatMap(([value, response]) => Effect.map(response.json, (wire) => ({ value, wire }))),
    Effect.provideService(HttpIncomingMessage.MaxBodySize, MAX_ANSWER),
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail(failed("tryAgain", `${url} does not answer within ${seconds} s: try again.`))
    }),
    Effect.mapError(asFailure(url))
  )
})

/** What every call asks for: the decoded value, and the response that it was decoded from. */
export const both = "decoded-and-response" as const
