/** What a plan orders: `runAsLeader` carries these out. */
import type { StopReason } from "../streams/StreamEvent.ts"
import type { StreamId } from "../values/Ids.ts"
import type { ListedPath, ListedSource } from "./MediaServerSnapshot.ts"
import type { UnauthorizedCommand } from "./planForUnauthorized.ts"
import type { StoredSession } from "./StoreSnapshot.ts"

export type Command =
  | { readonly _tag: "MarkReady"; readonly streamId: StreamId; readonly sourceType: string }
  /** `verify`: ask for the id itself, because the list is not enough. */
  | {
      readonly _tag: "End"
      readonly session: StoredSession
      readonly cause: "left" | "media_server_restarted"
      readonly verify: boolean
    }
  | { readonly _tag: "RequestStop"; readonly streamId: StreamId; readonly reason: StopReason }
  | { readonly _tag: "KickStopping"; readonly session: StoredSession; readonly listed: ListedSource }
  | UnauthorizedCommand
  /** A publisher that no list shows and no kick reaches (MediaMTX's RTSP between ANNOUNCE and RECORD). */
  | { readonly _tag: "ResetPath"; readonly path: string; readonly sourceId: string }
  /** A publisher that no list shows, and that may stay as far as is known. */
  | { readonly _tag: "ReportUnlisted"; readonly path: ListedPath }

export type CommandOf<T extends Command["_tag"]> = Extract<Command, { readonly _tag: T }>
