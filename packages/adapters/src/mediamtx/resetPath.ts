/**
 * Resets a path with an unlisted publisher, which no kick reaches (MediaMTX 1.20.1: an RTSP session that is kicked between
 * ANNOUNCE and a queued RECORD). A configuration for exactly this path is added and deleted. It differs from the one in force in
 * a setting that MediaMTX cannot reload, so each of the two steps makes it close the path. Other paths are not affected.
 *
 * An added configuration is always deleted: also when the caller is interrupted, when the answer to the addition is lost, and,
 * after a failed deletion, during the next snapshots. Its `maxReaders` distinguishes it from an operator's own configuration for
 * the path. An operator's configuration is never touched, so a path that has one cannot be reset.
 */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect, Exit } from "effect"
import { decodeAnswer } from "./answerBody.ts"
import { type Call, unavailable } from "./Call.ts"
import type { ControlApi } from "./ControlApi.ts"
import { PathConfig } from "./ControlApiSchema.ts"

/** High enough not to limit readers, and unlikely to be an operator's choice. */
export const RESET_MAX_READERS = 1_918_273

/** The names under which MediaMTX keeps a configuration for one path. `~…` is a regular expression, `all` means every path. */
const ownName = /^(?!all$|all_others$)[0-9A-Za-z_\-.]+(\/+[0-9A-Za-z_\-.]+)*$/

const canBeConfigured = (path: string): boolean =>
  ownName.test(path) && !path.split("/").some((segment) => segment === "." || segment === "..")

const callFor = (verb: "add" | "delete" | "get", path: string): Call => ({
  method: verb === "add" ? "POST" : verb === "delete" ? "DELETE" : "GET",
  route: `/v3/config/paths/${verb}`,
  rest: `/${path.split("/").map(encodeURIComponent).join("/")}`
})

const decodeConfig = decodeAnswer(PathConfig)

const isOurs = Effect.fnUntraced(function* (api: ControlApi, path: string) {
  const call = callFor("get", path)
  const answer = yield* api(call)
  return answer._tag === "Ok" && (yield* decodeConfig(call, answer.body)).maxReaders === RESET_MAX_READERS
})

type Addition = { readonly _tag: "Added" } | { readonly _tag: "Impossible"; readonly why: MediaServerUnavailable }

/** After a failure it may have been added; after `Impossible` it was not. */
const add = Effect.fnUntraced(function* (
  api: ControlApi,
  path: string
): Effect.fn.Return<Addition, MediaServerUnavailable> {
  const call: Call = { ...callFor("add", path), body: { maxReaders: RESET_MAX_READERS } }
  const answer = yield* api(call)
  if (answer._tag === "Ok") return { _tag: "Added" }
  const exists = answer._tag === "Refused" && /already exists/.test(answer.error)
  if (exists && (yield* isOurs(api, path))) return { _tag: "Added" }
  const why = exists ? "the path has a configuration of its own" : "a configuration for the path was refused"
  return { _tag: "Impossible", why: unavailable(call, "nonsense", why) }
})

const remove = Effect.fnUntraced(function* (api: ControlApi, path: string) {
  const call = callFor("delete", path)
  const answer = yield* api(call)
  if (answer._tag === "Ok") return "deleted" as const
  if (answer._tag === "Refused" && answer.status === 404) return "not there" as const
  return yield* unavailable(call, "nonsense", "the configuration could not be deleted")
})

/** An addition without an answer may take effect later. So many snapshots try to delete it. */
const SNAPSHOTS_FOR_A_LOST_ADDITION = 30

export interface PathReset {
  /** Ends within twice `stepMillis`. An interruption waits for its end. */
  readonly reset: (path: string) => Effect.Effect<void, MediaServerUnavailable>
  /** Deletes one configuration that an earlier reset could not delete. */
  readonly finish: Effect.Effect<void>
}

export const makePathReset = (api: ControlApi, stepMillis: number): PathReset => {
  /** Paths whose configuration may still have to be deleted, and how many more answers "not there" prove nothing. */
  const leftovers = new Map<string, number>()

  const inTime = <A>(call: Call, effect: Effect.Effect<A, MediaServerUnavailable>) =>
    Effect.timeoutOrElse(effect, {
      duration: stepMillis,
      orElse: () => Effect.fail(unavailable(call, "unreachable", `no answer within ${stepMillis}ms`))
    })

  const settle = Effect.fnUntraced(function* (path: string) {
    const outcome = yield* inTime(callFor("delete", path), remove(api, path))
    const retries = leftovers.get(path) ?? 0
    if (outcome === "deleted" || retries === 0) leftovers.delete(path)
    else leftovers.set(path, retries - 1)
  })

  const reset = Effect.fnUntraced(function* (path: string): Effect.fn.Return<void, MediaServerUnavailable> {
    if (!canBeConfigured(path)) {
      return yield* unavailable(callFor("add", path), "nonsense", "MediaMTX has no configuration by that name")
    }
    const added = yield* Effect.exit(inTime(callFor("add", path), add(api, path)))
    if (Exit.isSuccess(added) && added.value._tag === "Impossible") return yield* added.value.why
    leftovers.set(path, Exit.isSuccess(added) ? 0 : SNAPSHOTS_FOR_A_LOST_ADDITION)
    const settled = yield* Effect.exit(settle(path))
    yield* added
    yield* settled
  }, Effect.uninterruptible)

  const finish = Effect.suspend(() =>
    Effect.forEach([...leftovers.keys()].slice(0, 1), (path) => Effect.ignore(settle(path)), { discard: true })
  )
  return { reset, finish }
}
