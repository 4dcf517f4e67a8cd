/**
 * The hooks that MediaMTX would run when a path becomes ready or stops being so, as the HTTP calls that they are configured to
 * make. The id of an RTSP source is its session's, also where `/auth` is asked under its connection's. Real hooks are processes: they can be lost, late, doubled and overtake one another, which `plan` decides for each.
 */
import * as Http from "node:http"
import { type Duration, Effect, type Scope } from "effect"
import type { Json } from "./answers.ts"
import type { Simulator } from "./Simulator.ts"
import { sourceTypeOf } from "./view.ts"

export interface Hook {
  /** How many hooks there were before it. */
  readonly index: number
  readonly event: "ready" | "not-ready"
  readonly path: string
  readonly sourceType: string
  readonly sourceId: string
  readonly query: string
}

export interface HookOptions {
  readonly url: (hook: Hook) => string
  readonly headers?: Readonly<Record<string, string>>
  /** `{path, source_type, source_id, query}` by default. */
  readonly body?: (hook: Hook) => Json
  /** After which delays the hook is sent: by default once and at once; never when there are none. */
  readonly plan?: (hook: Hook) => ReadonlyArray<Duration.Input>
}

const standardBody = ({ path, sourceType, sourceId, query }: Hook): Json => ({
  path,
  source_type: sourceType,
  source_id: sourceId,
  query
})

/** Its outcome is ignored: MediaMTX ignores the exit codes of hooks. */
const post = (url: string, headers: Readonly<Record<string, string>>, body: string): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const request = Http.request(
      url,
      { method: "POST", agent: false, headers: { "Content-Type": "application/json", ...headers } },
      (response) => {
        response.resume()
        response.on("close", () => resume(Effect.void))
      }
    )
    request.on("error", () => resume(Effect.void))
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

/** Sends hooks for what happens from now on, until the scope closes. */
export const runHooks = Effect.fnUntraced(function* (
  media: Simulator["Service"],
  options: HookOptions
): Effect.fn.Return<void, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const { plan = () => [0], body = standardBody, headers = {} } = options
  let index = 0
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const sendOne = (hook: Hook, delay: Duration.Input) =>
    Effect.delay(post(options.url(hook), headers, JSON.stringify(body(hook))), delay).pipe(Effect.forkIn(scope))
  const { facts } = (yield* media.world).options
  yield* media.observe((happening) => {
    if (happening._tag === "Closed") return
    const { connection } = happening
    const hook: Hook = {
      index: index++,
      event: happening._tag === "Ready" ? "ready" : "not-ready",
      path: connection.path,
      sourceType: sourceTypeOf(connection.protocol, facts),
      sourceId: connection.id,
      query: connection.query
    }
    for (const delay of plan(hook)) fork(sendOne(hook, delay))
  })
})
