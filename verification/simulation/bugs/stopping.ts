/** Bugs in how somebody is taken off the air. */
import type { MediaServerSnapshot, StoredSession } from "@greenroom/core"
import { Effect } from "effect"
import type { Bug } from "./Bug.ts"

export const revokeMarks: Bug = {
  name: "revoke marks sessions in one statement and derives nothing later",
  what: "the statement that revokes marks the sessions that were there when it began, before it had the lock; nobody looks again",
  change: (ports, { store, call }) => {
    const { keys: stored } = store.state
    const sessions = store.services.sessions
    /** Who must go is derived as if no key were revoked. */
    const derived = Effect.suspend(() => {
      const revoked = [...stored.values()].filter((key) => key.revokedAt !== null)
      for (const key of revoked) stored.set(key.id, { ...key, revokedAt: null })
      return Effect.ensuring(
        sessions.requestStopsForInvalidKeys,
        Effect.sync(() => {
          for (const key of revoked) stored.set(key.id, key)
        })
      )
    })
    return {
      ...ports,
      sessions: { ...ports.sessions, requestStopsForInvalidKeys: call("Sessions.requestStopsForInvalidKeys", derived) },
      keys: {
        ...ports.keys,
        revoke: Effect.fnUntraced(function* (id) {
          const snapshot = yield* ports.streams.unendedOf({ streamKeyId: id })
          const statement = Effect.gen(function* () {
            for (const streamId of snapshot) yield* sessions.requestStop(streamId, "revoked", null)
            return yield* store.services.streamKeys.revoke(id)
          })
          return yield* call("StreamKeys.revoke", statement)
        })
      }
    }
  }
}

export const reasonNotReread: Bug = {
  name: "reason not read again before a kick",
  what: "a kick goes by what the store said after the look, however long ago",
  change: (ports) => {
    let unended: ReadonlyArray<StoredSession> = []
    return {
      ...ports,
      sessions: {
        ...ports.sessions,
        after: (listed) =>
          Effect.tap(ports.sessions.after(listed), (snapshot) =>
            Effect.sync(() => {
              unended = snapshot.open
            })
          ),
        bySource: (sources) => Effect.sync(() => unended.filter(({ source }) => sources.includes(source.id)))
      }
    }
  }
}

export const onlyActiveKicked: Bug = {
  name: "only active sessions are kicked",
  what: "who is to stop before it is ready is left to get ready or to leave",
  change: (ports) => {
    let unended: ReadonlyArray<StoredSession> = []
    const isConnecting = (id: string) =>
      unended.some(({ source, state }) => source.id === id && state._tag === "Connecting")
    return {
      ...ports,
      sessions: {
        ...ports.sessions,
        after: (listed) =>
          Effect.tap(ports.sessions.after(listed), (snapshot) =>
            Effect.sync(() => {
              unended = snapshot.open
            })
          )
      },
      mediaServer: {
        ...ports.mediaServer,
        kick: (source) => (isConnecting(source.id) ? Effect.succeed("kicked" as const) : ports.mediaServer.kick(source))
      }
    }
  }
}

export const reportCoversFormer: Bug = {
  name: "`report` covers ids that once had a session",
  what: "where unknown publishers are only reported, those whose session has ended are, too",
  change: (ports, { policy }) => ({
    ...ports,
    sessions: {
      ...ports.sessions,
      after: (listed) =>
        Effect.map(ports.sessions.after(listed), (snapshot) =>
          policy.unauthorized === "report" ? { ...snapshot, formerlyAdmitted: new Set<string>() } : snapshot
        )
    }
  })
}

export const cureUnseen: Bug = {
  name: "path not looked at again before it is reset",
  what: "a publisher that no kick reaches is driven out with its path, whoever has taken the path since",
  change: (ports) => {
    let last: MediaServerSnapshot | null = null
    return {
      ...ports,
      // A pass begins with the sessions.
      sessions: {
        ...ports.sessions,
        open: Effect.suspend(() => {
          last = null
          return ports.sessions.open
        })
      },
      mediaServer: {
        ...ports.mediaServer,
        snapshot: Effect.suspend(() =>
          last !== null
            ? Effect.succeed(last)
            : Effect.tap(ports.mediaServer.snapshot, (look) =>
                Effect.sync(() => {
                  last = look
                })
              )
        )
      }
    }
  }
}

export const kickedOnce: Bug = {
  name: "whoever was kicked is not kicked again",
  what: "a kick that was answered is taken to have done its work",
  change: (ports) => {
    const kicked = new Set<string>()
    return {
      ...ports,
      mediaServer: {
        ...ports.mediaServer,
        kick: (source) =>
          kicked.has(source.id)
            ? Effect.succeed("kicked" as const)
            : Effect.tap(ports.mediaServer.kick(source), () => Effect.sync(() => kicked.add(source.id)))
      }
    }
  }
}
