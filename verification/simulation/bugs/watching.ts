/** Bugs in who may watch, and in who counts. */
import { type LoggedEvent, StoreUnavailable, type ViewerProtocol } from "@greenroom/core"
import { Effect } from "effect"
import type { Ports } from "../Ports.ts"
import type { Bug } from "./Bug.ts"

export const policyNotReread: Bug = {
  name: "a viewer's policy not read again before a kick",
  what: "a viewer is kicked by the policy that the instance has in memory, which may be older than the session",
  change: (ports, { store }) => {
    const isLive = (path: string) => [...store.state.unended].some((id) => store.state.streams.get(id)!.path === path)
    const unread = new StoreUnavailable({ operation: "Viewers.pathFacts", cause: new Error("nobody asks") })
    return {
      ...ports,
      viewers: {
        ...ports.viewers,
        // Of a live path nobody else asks.
        pathFacts: (path) => Effect.suspend(() => (isLive(path) ? Effect.fail(unread) : ports.viewers.pathFacts(path)))
      }
    }
  }
}

/** As if it had ended long ago. */
const withoutEffect = (event: LoggedEvent): LoggedEvent => {
  if (event.type === "playback_token.revoked") return { ...event, data: { ...event.data, expiresAt: 0 } }
  return event.type === "viewer.revoked"
    ? { ...event, data: { ...event.data, viewerId: event.data.viewerId, at: -1e9, until: null } }
    : event
}

export const revocationsNotFollowed: Bug = {
  name: "revocations of other instances not applied",
  what: "an instance applies what it has revoked itself, and reads what others have revoked only when it reads everything",
  change: (ports) => ({
    ...ports,
    events: {
      ...ports.events,
      read: (after, filter, limit) =>
        Effect.map(ports.events.read(after, filter, limit), (slice) => ({
          ...slice,
          events: slice.events.map(withoutEffect)
        }))
    }
  })
}

/** The lists of viewers, with what each session has read changed. */
const withBytes =
  (change: (bytes: number) => number) =>
  (ports: Ports): Ports => ({
    ...ports,
    mediaServer: {
      ...ports.mediaServer,
      viewersOf: (protocol: ViewerProtocol) =>
        Effect.map(ports.mediaServer.viewersOf(protocol), (all) =>
          all.map((one) => ({
            ...one,
            outboundBytes: one.outboundBytes === null ? null : change(one.outboundBytes)
          }))
        )
    }
  })

export const neverIdle: Bug = {
  name: "HLS sessions that never become idle",
  what: "an HLS player that asks for nothing counts for as long as MediaMTX lists its session",
  change: (ports) => {
    let looks = 0
    return withBytes((bytes) => bytes + ++looks)(ports)
  }
}

export const readersUnheard: Bug = {
  name: "a session that leaves keeps its row",
  what: "what is written of viewers are those who come, and those who leave only when they are kicked",
  change: (ports) => ({
    ...ports,
    viewers: {
      ...ports.viewers,
      record: ({ joined, left }, holder) =>
        ports.viewers.record({ joined, left: left.filter(({ why }) => why !== "left") }, holder)
    }
  })
}
