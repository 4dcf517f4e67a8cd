/**
 * Finds or kicks one source, or one viewer, in each list that may have it. Only MediaMTX itself proves "gone": its own 404 from every list
 * that is on, or a 400 for an id that cannot be one of its ids. That proof can depend on the version: RTSP ids differ, and the
 * routes may have other names. `/v3/info` must then show the same process after the calls. Another process is asked again.
 */
import { listsOf, type MediaServerUnavailable, type Source, type ViewerProtocol, type ViewerRef } from "@greenroom/core"
import { Effect, Schema } from "effect"
import type { ApiAccess } from "./ApiAccess.ts"
import { decodeAnswer } from "./answerBody.ts"
import { type Call, unavailable } from "./Call.ts"
import { type Answer, deniesId } from "./ControlApi.ts"
import { type RunningServer, STARTED_UNKNOWN } from "./RunningServer.ts"
import { showsPaths } from "./readSnapshot.ts"
import { callOn, isRtsp, type Verb } from "./routes.ts"
import { authHasRtspConnectionId } from "./versionDifferences.ts"

/** What is looked for, and in which lists, in their order. */
export interface Sought {
  readonly lists: ReadonlyArray<ViewerProtocol>
  readonly id: string
  /** The id is that of the auth call. Otherwise it is that of the lists. */
  readonly hasAuthId: boolean
}

/** RTSP last: its calls can hang behind a pending auth, those of other protocols cannot. */
const soughtSource = ({ protocol, id }: Source): Sought => {
  const lists = listsOf(protocol)
  return {
    lists: [...lists.filter((list) => !isRtsp(list)), ...lists.filter(isRtsp)],
    id,
    hasAuthId: true
  }
}

/** In its auth call, a viewer over RTSPS has the protocol `rtsp`. */
export const soughtViewer = ({ protocol, id }: ViewerRef): Sought => ({
  lists: protocol === "hls" ? ["hls"] : listsOf(protocol),
  id,
  hasAuthId: false
})

/** Fits every form of a UUID. Other text (`..`, a slash) must not get into a URL, and cannot be an id of MediaMTX. */
const possibleId = /^[0-9A-Za-z_-]{1,64}$/

interface Asked {
  readonly call: Call
  readonly id: string
  readonly answer: Answer
}

/** Asks under the id that the list has for the source. */
const askList = Effect.fnUntraced(function* (
  { lists, rtspIds }: ApiAccess,
  { names, build }: RunningServer,
  verb: Verb,
  protocol: ViewerProtocol,
  { id, hasAuthId }: Sought
): Effect.fn.Return<Asked | "gone", MediaServerUnavailable> {
  const session =
    hasAuthId && isRtsp(protocol) && authHasRtspConnectionId(build)
      ? yield* rtspIds.sessionOf(protocol, id)
      : { session: id }
  if (session === "gone") return "gone"
  const call = callOn(names, protocol, verb, `/${session.session}`)
  return { call, id: session.session, answer: yield* lists(protocol, call) }
})

export interface Found {
  readonly call: Call
  /** The list that has it. */
  readonly protocol: ViewerProtocol
  /** The id in the call. */
  readonly id: string
  readonly body: unknown
}

/** `no list`: no list of its protocol is on. That alone proves nothing: another server could send the router's 404, too. */
const askLists = Effect.fnUntraced(function* (
  access: ApiAccess,
  server: RunningServer,
  verb: Verb,
  sought: Sought
): Effect.fn.Return<Found | "gone" | "no list", MediaServerUnavailable> {
  let denied = false
  for (const protocol of sought.lists) {
    const asked = yield* askList(access, server, verb, protocol, sought)
    if (asked === "gone") {
      denied = true
      continue
    }
    const { call, id, answer } = asked
    if (answer._tag === "Ok") return { call, protocol, id, body: answer.body }
    if (answer._tag === "NoRoute") continue
    if (!deniesId(answer)) return yield* unavailable(call, "nonsense", `status ${answer.status}`)
    denied = true
  }
  return denied ? "gone" : "no list"
})

const dependsOnVersion = ({ hasAuthId, lists }: Sought): boolean => hasAuthId && lists.some(isRtsp)

/** The answer of the first list that has it. */
export const askFor = Effect.fnUntraced(function* (
  access: ApiAccess,
  verb: Verb,
  sought: Sought
): Effect.fn.Return<Found | "gone", MediaServerUnavailable> {
  if (!possibleId.test(sought.id)) return "gone"
  const server = yield* access.identify.lastSeen
  let found = yield* askLists(access, server, verb, sought)
  if (found === "no list" || (found === "gone" && dependsOnVersion(sought))) {
    const now = yield* access.identify.now
    if (now !== server) found = yield* askLists(access, now, verb, sought)
    // Without `/v3/info`, only the list of paths proves that this is a MediaMTX.
    if (found === "no list" && now.started === STARTED_UNKNOWN) yield* showsPaths(access.api)
  }
  return found === "no list" ? "gone" : found
})

const decodeItem = decodeAnswer(Schema.Struct({ id: Schema.String }))

/** Fails when the answer is about another id than the call. */
export const isOfId = (
  { call, id }: Found,
  item: { readonly id: string }
): Effect.Effect<void, MediaServerUnavailable> =>
  item.id.toLowerCase() === id.toLowerCase()
    ? Effect.void
    : Effect.fail(unavailable(call, "nonsense", "the answer has another id than the call"))

export const findSource = Effect.fnUntraced(function* (access: ApiAccess, source: Source) {
  const found = yield* askFor(access, "get", soughtSource(source))
  if (found === "gone") return "gone" as const
  yield* isOfId(found, yield* decodeItem(found.call, found.body))
  return "present" as const
})

/** Before 1.15.5 the 200 of a kick is empty, so its body is not read. */
export const kickSource = (access: ApiAccess, source: Source) =>
  Effect.map(askFor(access, "kick", soughtSource(source)), (found) => (found === "gone" ? "gone" : "kicked"))
