/**
 * Asking for one source, and kicking it, in each of the lists in which it may stand. "Gone" is said by MediaMTX alone: its own
 * 404 (or 400, for what cannot be one of its ids) from every list that is on. When no list of the protocol is on, the router's
 * 404s prove nothing by themselves (any server of its kind has them), and `/v3/info` has to show that MediaMTX is there.
 */
import { listsOf, type MediaServerUnavailable, type Protocol, type Source } from "@greenroom/core"
import { Effect, Schema } from "effect"
import { type Answer, type Call, type ControlApi, decodeAnswer, unavailable } from "./ControlApi.ts"
import { callOn, isRtsp, type Lists } from "./lists.ts"
import { readStarted } from "./look.ts"

/** RTSP last: its calls can hang behind an auth that is pending, the others' cannot. */
const inOrder = (source: Source): ReadonlyArray<Protocol> => {
  const protocols = listsOf(source.protocol)
  return [...protocols.filter((protocol) => !isRtsp(protocol)), ...protocols.filter(isRtsp)]
}

/** Every form of a UUID fits; what does not (`..`, a slash) must not get into a URL, and is no id of MediaMTX's. */
const possibleId = /^[0-9A-Za-z_-]{1,64}$/

const saysGone = (answer: Extract<Answer, { _tag: "Refused" }>): boolean =>
  answer.status === 404 ? /not found$/.test(answer.error) : /uuid/i.test(answer.error)

interface Found {
  readonly call: Call
  readonly text: string
}

/** What the first list that knows the source answers. */
const askLists = Effect.fnUntraced(function* (
  api: ControlApi,
  lists: Lists,
  verb: "get" | "kick",
  source: Source
): Effect.fn.Return<Found | "gone", MediaServerUnavailable> {
  if (!possibleId.test(source.id)) return "gone"
  let denied = false
  for (const protocol of inOrder(source)) {
    const call = callOn(protocol, verb, `/${source.id}`)
    const answer = yield* lists(protocol, call)
    if (answer._tag === "Ok") return { call, text: answer.text }
    if (answer._tag === "NoRoute") continue
    if (!saysGone(answer)) return yield* unavailable(call, "nonsense", `status ${answer.status}`)
    denied = true
  }
  if (!denied) yield* readStarted(api)
  return "gone"
})

const decodeItem = decodeAnswer(Schema.Struct({ id: Schema.String }))

export const findSource = Effect.fnUntraced(function* (api: ControlApi, lists: Lists, source: Source) {
  const found = yield* askLists(api, lists, "get", source)
  if (found === "gone") return "gone" as const
  const item = yield* decodeItem(found.call, found.text)
  return item.id.toLowerCase() === source.id.toLowerCase()
    ? ("present" as const)
    : yield* unavailable(found.call, "nonsense", "another id than the one asked for")
})

/** Before 1.15.5 the 200 of a kick is empty, so its body is not read. */
export const kickSource = (api: ControlApi, lists: Lists, source: Source) =>
  Effect.map(askLists(api, lists, "kick", source), (found) => (found === "gone" ? "gone" : "kicked"))
