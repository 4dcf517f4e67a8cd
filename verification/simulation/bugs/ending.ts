/** Bugs in how a session ends. */
import { Admissions, Sessions } from "@greenroom/core"
import { Effect } from "effect"
import type { Bug } from "./Bug.ts"

export const hookEnds: Bug = {
  name: "a hook ends a session",
  what: "a not-ready hook ends the session of its source",
  hook: Effect.fnUntraced(function* ({ event, source }) {
    if (event === "ready") return
    const sessions = yield* Sessions
    const admissions = yield* Admissions
    for (const { streamId } of yield* sessions.bySource([source])) yield* admissions.endGone(streamId)
  })
}

export const hookBelievedAlways: Bug = {
  name: "a hook believed while somebody can look",
  what: "a not-ready hook is taken for the truth although the control API answers",
  hook: Effect.fnUntraced(function* ({ event, source, protected: isProtected }) {
    if (event === "ready" || !isProtected) return
    const sessions = yield* Sessions
    const ids = (yield* sessions.bySource([source])).map(({ streamId }) => streamId)
    yield* sessions.end(ids, "left", null)
  })
}

export const endedWhenKicked: Bug = {
  name: "ended when the kick answered 200",
  what: "a session ends with the answer of the kick instead of its absence from the list",
  change: (ports, { policy }) => ({
    ...ports,
    mediaServer: {
      ...ports.mediaServer,
      kick: Effect.fnUntraced(function* (source) {
        const answer = yield* ports.mediaServer.kick(source)
        const sessions = yield* Effect.orElseSucceed(ports.sessions.bySource([source.id]), () => [])
        yield* Effect.ignore(
          ports.sessions.end(
            sessions.map(({ streamId }) => streamId),
            "left",
            policy.holder
          )
        )
        return answer
      })
    }
  })
}

export const neverReadyEnds: Bug = {
  name: "`never_ready` concluded while listed",
  what: "an RTSP session that stands still is ended at once instead of being asked to stop",
  change: (ports) => ({
    ...ports,
    sessions: {
      ...ports.sessions,
      requestStop: (streamId, reason, by) =>
        reason === "never_ready"
          ? Effect.map(ports.sessions.end([streamId], "left", by), (ended) => ended.length > 0)
          : ports.sessions.requestStop(streamId, reason, by)
    }
  })
}
