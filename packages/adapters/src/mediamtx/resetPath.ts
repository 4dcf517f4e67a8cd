/**
 * The cure for a publisher that `paths/list` shows and no kick reaches (MediaMTX 1.20.1, an RTSP session kicked between ANNOUNCE
 * and a queued RECORD): a configuration of exactly this path, different from the one in force in something that cannot be
 * reloaded, makes MediaMTX close the path, and taking it away again closes it once more. Neighbours do not notice.
 *
 * What is added is always taken away: also when its caller is interrupted or the answer of the addition is lost, and, when even
 * that failed, during the next looks. `maxReaders` is also the mark by which a leftover of a process that died is told from a configuration
 * of the operator's, which is never touched: such a path is not cured here.
 */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect, Exit } from "effect"
import { type Call, type ControlApi, decodeAnswer, unavailable } from "./ControlApi.ts"
import { PathConfig } from "./ControlApiSchema.ts"

/** So many readers that it limits nobody, and a number that nobody else chooses. */
export const RESET_MAX_READERS = 1_918_273

/** What MediaMTX takes for one path's own configuration. `~…` would be a regular expression, `all` stands for every path. */
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

/** A failure leaves open whether it was added; `Impossible` says that it was not. */
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

const takeAway = Effect.fnUntraced(function* (api: ControlApi, path: string) {
  const call = callFor("delete", path)
  const answer = yield* api(call)
  if (answer._tag === "Ok") return "deleted" as const
  if (answer._tag === "Refused" && answer.status === 404) return "not there" as const
  return yield* unavailable(call, "nonsense", "the configuration could not be deleted")
})

/** An addition whose answer was lost may still be on its way inside MediaMTX: so many looks see to it that it goes. */
const LOOKS_FOR_A_LOST_ADDITION = 30

export interface PathReset {
  /** Ends within twice `stepMillis`. Is not interrupted in between: what was begun is ended. */
  readonly reset: (path: string) => Effect.Effect<void, MediaServerUnavailable>
  /** Takes away one of those that earlier cures could not. */
  readonly finish: Effect.Effect<void>
}

export const makePathReset = (api: ControlApi, stepMillis: number): PathReset => {
  /** What may have to be taken away yet, and how often "not there" is no proof of it. */
  const owed = new Map<string, number>()

  const inTime = <A>(call: Call, effect: Effect.Effect<A, MediaServerUnavailable>) =>
    Effect.timeoutOrElse(effect, {
      duration: stepMillis,
      orElse: () => Effect.fail(unavailable(call, "unreachable", `no answer within ${stepMillis}ms`))
    })

  const settle = Effect.fnUntraced(function* (path: string) {
    const outcome = yield* inTime(callFor("delete", path), takeAway(api, path))
    const doubts = owed.get(path) ?? 0
    if (outcome === "deleted" || doubts === 0) owed.delete(path)
    else owed.set(path, doubts - 1)
  })

  const cure = Effect.fnUntraced(function* (path: string): Effect.fn.Return<void, MediaServerUnavailable> {
    if (!canBeConfigured(path)) {
      return yield* unavailable(callFor("add", path), "nonsense", "MediaMTX has no configuration by that name")
    }
    const added = yield* Effect.exit(inTime(callFor("add", path), add(api, path)))
    if (Exit.isSuccess(added) && added.value._tag === "Impossible") return yield* added.value.why
    owed.set(path, Exit.isSuccess(added) ? 0 : LOOKS_FOR_A_LOST_ADDITION)
    const settled = yield* Effect.exit(settle(path))
    yield* added
    yield* settled
  }, Effect.uninterruptible)

  const finish = Effect.suspend(() =>
    Effect.forEach([...owed.keys()].slice(0, 1), (path) => Effect.ignore(settle(path)), { discard: true })
  )
  return { reset: cure, finish }
}
