/** `greenroom viewers …`: who is watching, ending one session, and taking a viewer's rights away. */
import { BroadcasterId, StreamId, StreamPath, Timestamp, ViewerId, ViewerSessionId } from "@greenroom/core"
import type { DateTime } from "effect"
import * as Command from "effect/cli/Command"
import { TextListCursor } from "../http/api/Cursor.ts"
import type { Viewer } from "../http/api/ViewersApi.ts"
import { both, call } from "./ApiClient.ts"
import { checkedArgument, checkedFlag, described, given, limit } from "./flags.ts"
import { absolute, bytes, NOTHING, orNothing, relative, table } from "./format.ts"
import { printAnswer, printPages } from "./output.ts"
import { program } from "./program.ts"

const EXAMPLE = "9f1f2f1e-0c0f-4a53-9d0a-6f1a1c7b2d90"

const rows = (viewers: ReadonlyArray<typeof Viewer.Type>, now: DateTime.Utc): string =>
  table([
    ["PATH", "PROTOCOL", "VIEWER", "FROM", "SINCE", "SENT", "TOKEN", "ID"],
    ...viewers.map((viewer) => [
      viewer.path,
      viewer.protocol as string,
      orNothing(viewer.viewerId),
      orNothing(viewer.ip),
      relative(viewer.since, now),
      viewer.outboundBytes === null ? NOTHING : bytes(viewer.outboundBytes),
      orNothing(viewer.tokenId),
      viewer.id
    ])
  ])

const list = Command.make(
  "list",
  {
    path: checkedFlag("path", "<path>", StreamPath, "Only those on this path"),
    streamId: checkedFlag("stream", "<id>", StreamId, "Only those of this stream"),
    viewerId: checkedFlag("viewer", "<text>", ViewerId, "Only sessions of this viewer"),
    broadcasterId: checkedFlag("broadcaster", "<id>", BroadcasterId, "Only those of streams of this broadcaster"),
    limit
  },
  ({ limit, ...filter }) =>
    printPages(
      "viewers",
      TextListCursor,
      limit,
      (page) => call(({ viewers }) => viewers.list({ query: { ...given(filter), ...page }, responseMode: both })),
      { empty: () => "No viewers.", table: rows }
    )
).pipe(
  described(
    "List who is watching now, newest first",
    ["greenroom viewers list"],
    ["greenroom viewers list --path live/studio-1 --json | jq .count", "How many watch a path"],
    ["greenroom viewers list --viewer user-4711", "Where a viewer is watching"]
  )
)

const kick = Command.make(
  "kick",
  { id: checkedArgument("id", ViewerSessionId, "The session's id, as viewers list shows it") },
  ({ id }) =>
    printAnswer(
      call(({ viewers }) => viewers.kick({ params: { id }, responseMode: both })),
      () =>
        `Session ${id} is ended. Its player may come back: ${program} playback-tokens revoke, or ${program} viewers revoke, keeps it out.`
    )
).pipe(described("End one viewer's session; its player may come back", [`greenroom viewers kick ${EXAMPLE}`]))

const until = (time: DateTime.Utc | null): string =>
  time === null ? "new tokens are good" : `no token of it is good until ${absolute(time)}`

const revoke = Command.make(
  "revoke",
  {
    viewer_id: checkedArgument("viewer", ViewerId, "Your own id for the viewer, as its tokens have it"),
    until: checkedFlag("until", "<date>", Timestamp, "Also new tokens, until then: 2027-01-31T18:00:00Z")
  },
  ({ viewer_id, until: chosen }) =>
    printAnswer(
      call(({ viewers }) =>
        viewers.revoke({ params: { viewer_id }, payload: given({ until: chosen }), responseMode: both })
      ),
      (revoked) =>
        `Viewer ${revoked.viewerId} is revoked, with ${revoked.tokens} known ${revoked.tokens === 1 ? "token" : "tokens"}; ${until(revoked.until)}. Its sessions are being ended.`
    )
).pipe(
  described(
    "Revoke all tokens of a viewer, and end its sessions",
    ["greenroom viewers revoke user-4711"],
    ["greenroom viewers revoke user-4711 --until 2027-01-31T18:00:00Z", "And keep it out for a while"]
  )
)

export const viewersCommand = Command.make("viewers").pipe(
  described("Who is watching", ["greenroom viewers list"], [`greenroom viewers kick ${EXAMPLE}`]),
  Command.withSubcommands([list, kick, revoke])
)
