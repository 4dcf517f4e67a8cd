/**
 * Finds or kicks one source, in each list that may have it. Only MediaMTX itself proves "gone": its own 404 from every list
 * that is on, or a 400 for an id that cannot be one of its ids. That proof can depend on the version: RTSP ids differ, and the
 * routes may have other names. `/v3/info` must then show the same process after the calls. Another process is asked again.
 */
import { listsOf, type MediaServerUnavailable, type Protocol, type Source } from "@greenroom/core"
import { Effect, Schema } from "effect"
import type { ApiAccess } from "./ApiAccess.ts"
import { decodeAnswer } from "./answerBody.ts"
import { type Call, unavailable } from "./Call.ts"
import { type Answer, deniesId } from "./ControlApi.ts"
import { type RunningServer, STARTED_UNKNOWN } from "./RunningServer.ts"
import { showsPaths } from "./readSnapshot.ts"
import { callOn, isRtsp } from "./routes.ts"
import { authHasRtspConnectionId } from "./versionDifferences.ts"

/** RTSP last: its calls can hang behind a pending auth, those of other protocols cannot. */
const inOrder = (source: Source): ReadonlyArray<Protocol> => {
  const protocols = listsOf(source.protocol)
  return [...protocols.filter((protocol) => !isRtsp(protocol)), ...protocols.filter(isRtsp)]
}

/** Fits every form of a UUID. Other text (`..`, a slash) must not get into a URL, and cannot be an id of MediaMTX. */
const possibleId = /^[0-9A-Za-z_-]{1,64}$/

type Verb = "get" | "kick"

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
  protocol: Protocol,
  id: string
): Effect.fn.Return<Asked | "gone", MediaServerUnavailable> {
  const translated = isRtsp(protocol) && authHasRtspConnectionId(build)
  const session = translated ? yield* rtspIds.sessionOf(protocol, id) : { session: id }
  if (session === "gone") return "gone"
  const call = callOn(names, protocol, verb, `/${session.session}`)
  return { call, id: session.session, answer: yield* lists(protocol, call) }
})

interface Found {
  readonly call: Call
  /** The id in the call. */
  readonly id: string
  readonly body: unknown
}

/** `no list`: no list of its protocol is on. That alone proves nothing: another server could send the router's 404, too. */
const askLists = Effect.fnUntraced(function* (
  access: ApiAccess,
  server: RunningServer,
  verb: Verb,
  source: Source
): Effect.fn.Return<Found | "gone" | "no list", MediaServerUnavailable> {
  let denied = false
  for (const protocol of inOrder(source)) {
    const asked = yield* askList(access, server, verb, protocol, source.id)
    if (asked === "gone") {
      denied = true
      continue
    }
    const { call, id, answer } = asked
    if (answer._tag === "Ok") return { call, id, body: answer.body }
    if (answer._tag === "NoRoute") continue
    if (!deniesId(answer)) return yield* unavailable(call, "nonsense", `status ${answer.status}`)
    denied = true
  }
  return denied ? "gone" : "no list"
})

const dependsOnVersion = (source: Source): boolean => listsOf(source.protocol).some(isRtsp)

/** The answer of the first list that has the source. */
const ask = Effect.fnUntraced(function* (
  access: ApiAccess,
  verb: Verb,
  source: Source
): Effect.fn.Return<Found | "gone", MediaServerUnavailable> {
  if (!possibleId.test(source.id)) return "gone"
  const server = yield* access.identify.lastSeen
  let found = yield* askLists(access, server, verb, source)
  if (found === "no list" || (found === "gone" && dependsOnVersion(source))) {
    const now = yield* access.identify.now
    if (now !== server) found = yield* askLists(access, now, verb, source)
    // Without `/v3/info`, only the list of paths proves that this is a MediaMTX.
    if (found === "no list" && now.started === STARTED_UNKNOWN) yield* showsPaths(access.api)
  }
  return found === "no list" ? "gone" : found
})

const decodeItem = decodeAnswer(Schema.Struct({ id: Schema.String }))

export const findSource = Effect.fnUntraced(function* (access: ApiAccess, source: Source) {
  const found = yield* ask(access, "get", source)
  if (found === "gone") return "gone" as const
  const item = yield* decodeItem(found.call, found.body)
  return item.id.toLowerCase() === found.id.toLowerCase()
    ? ("present" as const)
    : yield* unavailable(found.call, "nonsense", "the answer has another id than the call")
})

/** Before 1.15.5 the 200 of a kick is empty, so its body is not read. */
export const kickSource = (access: ApiAccess, source: Source) =>
  Effect.map(ask(access, "kick", source), (found) => (found === "gone" ? "gone" : "kicked"))
