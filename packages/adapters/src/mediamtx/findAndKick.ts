/**
 * Asking for one source, and kicking it, in each of the lists in which it may stand. Only MediaMTX itself proves "gone": its own
 * 404 (or 400, for what cannot be one of its ids) from every list that is on. Where that depends on which MediaMTX it is, because
 * RTSP ids differ or no list answered by the names in use, `/v3/info` has to show after it that it still is the one
 * that was asked; one that is another by now is asked anew.
 */
import { listsOf, type MediaServerUnavailable, type Protocol, type Source } from "@greenroom/core"
import { Effect, Schema } from "effect"
import type { Asking } from "./Asking.ts"
import { type Answer, type Call, decodeAnswer, saysGone, unavailable } from "./ControlApi.ts"
import { rtspIdIsConnections } from "./Release.ts"
import { type RunningServer, STARTED_UNKNOWN } from "./RunningServer.ts"
import { showsPaths } from "./readSnapshot.ts"
import { callOn, isRtsp } from "./routes.ts"

/** RTSP last: its calls can hang behind an auth that is pending, the others' cannot. */
const inOrder = (source: Source): ReadonlyArray<Protocol> => {
  const protocols = listsOf(source.protocol)
  return [...protocols.filter((protocol) => !isRtsp(protocol)), ...protocols.filter(isRtsp)]
}

/** Every form of a UUID fits; what does not (`..`, a slash) must not get into a URL, and is no id of MediaMTX's. */
const possibleId = /^[0-9A-Za-z_-]{1,64}$/

type Verb = "get" | "kick"

interface Asked {
  readonly call: Call
  readonly id: string
  readonly answer: Answer
}

/** Under the id that the list has for the source. */
const askList = Effect.fnUntraced(function* (
  { lists, rtspIds }: Asking,
  { names, release }: RunningServer,
  verb: Verb,
  protocol: Protocol,
  id: string
): Effect.fn.Return<Asked | "gone", MediaServerUnavailable> {
  const translated = isRtsp(protocol) && rtspIdIsConnections(release)
  const session = translated ? yield* rtspIds.sessionOf(protocol, id) : { session: id }
  if (session === "gone") return "gone"
  const call = callOn(names, protocol, verb, `/${session.session}`)
  return { call, id: session.session, answer: yield* lists(protocol, call) }
})

interface Found {
  readonly call: Call
  /** By which it was asked for. */
  readonly id: string
  readonly body: unknown
}

/** `no list`: no list of its protocol is on, which proves nothing by itself; any server of its kind has the router's 404s. */
const askLists = Effect.fnUntraced(function* (
  asking: Asking,
  server: RunningServer,
  verb: Verb,
  source: Source
): Effect.fn.Return<Found | "gone" | "no list", MediaServerUnavailable> {
  let denied = false
  for (const protocol of inOrder(source)) {
    const asked = yield* askList(asking, server, verb, protocol, source.id)
    if (asked === "gone") {
      denied = true
      continue
    }
    const { call, id, answer } = asked
    if (answer._tag === "Ok") return { call, id, body: answer.body }
    if (answer._tag === "NoRoute") continue
    if (!saysGone(answer)) return yield* unavailable(call, "nonsense", `status ${answer.status}`)
    denied = true
  }
  return denied ? "gone" : "no list"
})

const dependsOnVersion = (source: Source): boolean => listsOf(source.protocol).some(isRtsp)

/** What the first list that knows the source answers. */
const ask = Effect.fnUntraced(function* (
  asking: Asking,
  verb: Verb,
  source: Source
): Effect.fn.Return<Found | "gone", MediaServerUnavailable> {
  if (!possibleId.test(source.id)) return "gone"
  const server = yield* asking.identify.lastSeen
  let found = yield* askLists(asking, server, verb, source)
  if (found === "no list" || (found === "gone" && dependsOnVersion(source))) {
    const now = yield* asking.identify.now
    if (now !== server) found = yield* askLists(asking, now, verb, source)
    // Without `/v3/info`, only its list of paths shows that this is a MediaMTX.
    if (found === "no list" && now.started === STARTED_UNKNOWN) yield* showsPaths(asking.api)
  }
  return found === "no list" ? "gone" : found
})

const decodeItem = decodeAnswer(Schema.Struct({ id: Schema.String }))

export const findSource = Effect.fnUntraced(function* (asking: Asking, source: Source) {
  const found = yield* ask(asking, "get", source)
  if (found === "gone") return "gone" as const
  const item = yield* decodeItem(found.call, found.body)
  return item.id.toLowerCase() === found.id.toLowerCase()
    ? ("present" as const)
    : yield* unavailable(found.call, "nonsense", "another id than the one asked for")
})

/** Before 1.15.5 the 200 of a kick is empty, so its body is not read. */
export const kickSource = (asking: Asking, source: Source) =>
  Effect.map(ask(asking, "kick", source), (found) => (found === "gone" ? "gone" : "kicked"))
