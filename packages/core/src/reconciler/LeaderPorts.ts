/** The ports as the leader gets them: every call fails with `LeaseLost` once the lease has run out, and then does nothing. */
import { Effect } from "effect"
import { Leases } from "../ports/Leases.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { Sessions } from "../ports/Sessions.ts"
import type { LeaseGuard } from "./LeaseGuard.ts"

export interface LeaderPorts extends Effect.Success<ReturnType<typeof guardPorts>> {}

export const guardPorts = Effect.fnUntraced(function* ({ whileHeld, renew }: LeaseGuard) {
  const sessions: Sessions["Service"] = yield* Sessions
  const mediaServer: MediaServer["Service"] = yield* MediaServer
  const leases: Leases["Service"] = yield* Leases
  return {
    sessions: {
      requestStopsForInvalidKeys: whileHeld(sessions.requestStopsForInvalidKeys),
      open: whileHeld(sessions.open),
      after: guarded(whileHeld, sessions.after),
      bySource: guarded(whileHeld, sessions.bySource),
      observe: guarded(whileHeld, sessions.observe),
      markReady: guarded(whileHeld, sessions.markReady),
      markKicked: guarded(whileHeld, sessions.markKicked),
      requestStop: guarded(whileHeld, sessions.requestStop),
      end: guarded(whileHeld, sessions.end)
    },
    mediaServer: {
      snapshot: whileHeld(mediaServer.snapshot),
      recheck: guarded(whileHeld, mediaServer.recheck),
      find: guarded(whileHeld, mediaServer.find),
      kick: guarded(whileHeld, mediaServer.kick),
      /** Renews the lease right before: a reset that was begun is not interrupted. */
      resetPath: (path: string) => Effect.andThen(renew, whileHeld(mediaServer.resetPath(path))),
      facts: whileHeld(mediaServer.facts),
      factsNow: whileHeld(mediaServer.factsNow)
    },
    recordPass: guarded(whileHeld, leases.recordPass)
  }
})

const guarded =
  <Args extends ReadonlyArray<unknown>, A, E>(
    whileHeld: LeaseGuard["whileHeld"],
    call: (...args: Args) => Effect.Effect<A, E>
  ) =>
  (...args: Args) =>
    whileHeld(Effect.suspend(() => call(...args)))
