/** Bugs in how the reconciler runs and writes. */
import { StoreUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import type { Bug } from "./Bug.ts"

export const leaseKept: Bug = {
  name: "leadership that a frozen holder keeps",
  what: "a lease never runs out, as an advisory lock would not",
  change: (ports, { store, call, policy }) => ({
    ...ports,
    leases: {
      ...ports.leases,
      acquire: (holder, ttlMillis) =>
        call(
          "Leases.acquire",
          Effect.suspend(() => {
            const lease = store.state.leases.get("main")
            return lease === undefined || lease.holder === policy.holder
              ? store.services.leases.acquire(holder, ttlMillis)
              : Effect.succeed({
                  held: false,
                  leftMillis: 3_000,
                  started: lease.started,
                  enforce: false,
                  lastSnapshot: null
                })
          })
        )
    }
  })
}

export const wishForEver: Bug = {
  name: "a wish that never ends",
  what: "publishers whom nobody admitted are kicked, however many they are, although no operator wishes it",
  change: (ports) => ({
    ...ports,
    leases: {
      ...ports.leases,
      acquire: (holder, ttlMillis) =>
        Effect.map(ports.leases.acquire(holder, ttlMillis), (lease) => ({ ...lease, enforce: true }))
    }
  })
}

export const eventApart: Bug = {
  name: "an event outside its row's statement",
  what: "a session becomes active in one statement, and its event is written in the next",
  change: (ports, { store, call }) => ({
    ...ports,
    sessions: {
      ...ports.sessions,
      markReady: Effect.fnUntraced(function* (ready, by) {
        const { streams } = store.state
        const rowsAlone = Effect.gen(function* () {
          const before = ready.map(({ streamId }) => streams.get(streamId)?.events)
          yield* store.services.sessions.markReady(ready, by)
          return ready.flatMap(({ streamId }, index) => {
            const row = streams.get(streamId)
            const events = before[index]
            if (row === undefined || events === undefined || row.events.length === events.length) return []
            streams.set(streamId, { ...row, events })
            return [{ streamId, event: row.events.at(-1)! }]
          })
        })
        const written = yield* call("Sessions.markReady", rowsAlone)
        const events = Effect.sync(() => {
          for (const { streamId, event } of written) {
            const row = streams.get(streamId)!
            streams.set(streamId, { ...row, events: [...row.events, event] })
          }
        })
        yield* call("Sessions.markReady", events)
      })
    }
  })
}

export const readyAgain: Bug = {
  name: "a session made active again by each pass",
  what: "each pass writes once more that active sessions are ready",
  change: (ports, { store }) => ({
    ...ports,
    sessions: {
      ...ports.sessions,
      observe: (seen, by) => {
        const active = seen.filter(({ streamId }) => store.state.streams.get(streamId)?.state._tag === "Active")
        const ready = active.map(({ streamId }) => ({ streamId, sourceType: "rtmpConn" }))
        return Effect.andThen(ports.sessions.markReady(ready, by), ports.sessions.observe(seen, by))
      }
    }
  })
}

export const endlessBackoff: Bug = {
  name: "backoff without a cap",
  what: "after each pass that failed the reconciler waits twice as long",
  change: (ports) => {
    let wait = 0
    const sees = Effect.sync(() => {
      wait = 0
    })
    const fails = Effect.sync(() => {
      wait = Math.max(500, wait * 2)
    })
    return {
      ...ports,
      leases: {
        ...ports.leases,
        acquire: (holder, ttlMillis) =>
          Effect.delay(
            Effect.tapError(ports.leases.acquire(holder, ttlMillis), () => fails),
            wait
          )
      },
      mediaServer: {
        ...ports.mediaServer,
        snapshot: ports.mediaServer.snapshot.pipe(
          Effect.tap(() => sees),
          Effect.tapError(() => fails)
        )
      }
    }
  }
}

export const breakerStuck: Bug = {
  name: "a breaker that never closes",
  what: "a store that once did not answer is taken to be down for good",
  change: (ports) => {
    let failed = false
    const fails = Effect.sync(() => {
      failed = true
    })
    const ping = Effect.suspend(() =>
      failed
        ? Effect.fail(new StoreUnavailable({ operation: "ping", cause: new Error("it failed once") }))
        : Effect.tapError(ports.storeHealth.ping, () => fails)
    )
    return { ...ports, storeHealth: { ping } }
  }
}

export const noBreaker: Bug = {
  name: "no breaker",
  what: "a store that does not answer is taken to be well, so that each auth waits for it",
  change: (ports) => ({ ...ports, storeHealth: { ping: Effect.void } })
}

export const wallClock: Bug = {
  name: "time by the wall clock alone",
  what: "how long something has lasted is measured with a clock that somebody sets",
  clock: (right) => ({
    ...right,
    monotonicTimeNanosUnsafe: right.currentTimeNanosUnsafe,
    monotonicTimeNanos: right.currentTimeNanos
  })
}

export const noTurns: Bug = {
  name: "a kick beside other calls about RTSP sessions",
  what: "a kick of an RTSP session takes a lookup along, which waits for no turn",
  controlApi: (right) => (call) => {
    if (!/^\/v3\/rtsps?sessions\/kick$/.test(call.route)) return right(call)
    const lookup = { ...call, method: "GET", route: call.route.replace("/kick", "/get") } as const
    return Effect.map(
      Effect.all([right(call), Effect.exit(right(lookup))], { concurrency: "unbounded" }),
      ([kicked]) => kicked
    )
  }
}
