/**
 * Viewers on MediaMTX: one by its protocol and id, all of a protocol, and a kick. A viewer's id is that of `readers` and of its list in every version,
 * so no id is translated. HLS has sessions since 1.18; before that there is no list of them.
 */
import type { MediaServerUnavailable, ViewerDescription, ViewerProtocol, ViewerRef } from "@greenroom/core"
import { Effect } from "effect"
import type { ApiAccess } from "./ApiAccess.ts"
import { decodeAnswer } from "./answerBody.ts"
import { type Call, unavailable } from "./Call.ts"
import { askFor, isOfId, soughtViewer } from "./findAndKick.ts"
import { itemsOf, ONE_PAGE } from "./listPages.ts"
import type { RunningServer } from "./RunningServer.ts"
import { callOn } from "./routes.ts"
import { describeViewer, isReading, quickViewer, quickViewers, ViewerItem, ViewerList } from "./viewerItems.ts"

const decodeItem = decodeAnswer(ViewerItem, quickViewer)
const decodeList = decodeAnswer(ViewerList, quickViewers)

const described = (call: Call, protocol: ViewerProtocol, item: ViewerItem) => {
  const viewer = describeViewer(protocol, item)
  return viewer === null
    ? Effect.fail(unavailable(call, "nonsense", "`created` of a session is no time"))
    : Effect.succeed(viewer)
}

/** A session that publishes is no viewer. One that does not read its path yet has perhaps no path: `""`. */
export const findViewer = Effect.fnUntraced(function* (
  access: ApiAccess,
  viewer: ViewerRef
): Effect.fn.Return<ViewerDescription | "gone", MediaServerUnavailable> {
  const found = yield* askFor(access, "get", soughtViewer(viewer))
  if (found === "gone") return "gone"
  const item = yield* decodeItem(found.call, found.body)
  yield* isOfId(found, item)
  return item.state === "publish" ? "gone" : yield* described(found.call, found.protocol, item)
})

export const kickViewer = (access: ApiAccess, viewer: ViewerRef) =>
  Effect.map(askFor(access, "kick", soughtViewer(viewer)), (found) => (found === "gone" ? "gone" : "kicked"))

/** `null`: there is no such list. */
const readViewers = Effect.fnUntraced(function* (
  { lists }: ApiAccess,
  { names }: RunningServer,
  protocol: ViewerProtocol
) {
  const call = callOn(names, protocol, "list", ONE_PAGE)
  const answer = yield* lists(protocol, call)
  if (answer._tag === "NoRoute") return null
  const items = yield* itemsOf(call, answer, decodeList)
  return yield* Effect.forEach(items.filter(isReading), (item) => described(call, protocol, item))
})

/** In one page, as every list is read. A missing list may have another name in the process that answers now. */
export const viewersOf = Effect.fnUntraced(function* (
  access: ApiAccess,
  protocol: ViewerProtocol
): Effect.fn.Return<ReadonlyArray<ViewerDescription>, MediaServerUnavailable> {
  const server = yield* access.identify.lastSeen
  const listed = yield* readViewers(access, server, protocol)
  if (listed !== null) return listed
  const now = yield* access.identify.now
  return (now === server ? null : yield* readViewers(access, now, protocol)) ?? []
})
