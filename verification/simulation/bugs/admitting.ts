/** Bugs at the auth endpoint. */
import { decideAdmission } from "@greenroom/core"
import { Effect, Option } from "effect"
import type { Bug } from "./Bug.ts"

export const noLock: Bug = {
  name: "no lock on the key",
  what: "the key is checked in one statement and the session inserted in another, which does not look at the key again",
  change: (ports, { store, call }) => ({
    ...ports,
    admissions: {
      ...ports.admissions,
      admit: Effect.fnUntraced(function* (request) {
        const facts = yield* ports.admissions.facts(request)
        if (decideAdmission(request, facts)._tag !== "Admit" || facts.key === null)
          return yield* ports.admissions.admit(request)
        const { id, revokedAt, expiresAt, enabled } = facts.key
        const { keys } = store.state
        const insert = Effect.suspend(() => {
          const now = keys.get(id)!
          keys.set(id, { ...now, revokedAt, expiresAt, enabled })
          return Effect.ensuring(
            store.services.admissions.admit(request),
            Effect.sync(() => keys.set(id, now))
          )
        })
        return yield* call("Admissions.admit", insert)
      })
    }
  })
}

export const noUniqueIndex: Bug = {
  name: "no unique index on key and path",
  what: "a session is inserted whether or not its key or its path has one",
  change: (ports, { store, call }) => ({
    ...ports,
    admissions: {
      ...ports.admissions,
      admit: (request) =>
        call(
          "Admissions.admit",
          Effect.suspend(() => {
            const { unended } = store.state
            const others = [...unended]
            unended.clear()
            return Effect.ensuring(
              store.services.admissions.admit(request),
              Effect.sync(() => {
                const added = [...unended]
                unended.clear()
                for (const id of [...others, ...added]) unended.add(id)
              })
            )
          })
        )
    }
  })
}

export const sourceTwice: Bug = {
  name: "a source id used twice",
  what: "a connection whose session has ended may have another one",
  change: (ports, { store, call }) => ({
    ...ports,
    admissions: {
      ...ports.admissions,
      admit: (request) =>
        call(
          "Admissions.admit",
          Effect.suspend(() => {
            const { streamBySource, streams } = store.state
            const former = streamBySource.get(request.sourceId)
            if (former !== undefined && streams.get(former)!.state._tag === "Inactive")
              streamBySource.delete(request.sourceId)
            return Effect.tap(store.services.admissions.admit(request), (admitted) =>
              Effect.sync(() => {
                if (Option.isNone(admitted) && former !== undefined) streamBySource.set(request.sourceId, former)
              })
            )
          })
        )
    }
  })
}

export const localExpiry: Bug = {
  name: "expiry by the local clock",
  what: "whether a key has expired is decided by the clock of the instance that asks",
  change: (ports, { store, call, clock }) => ({
    ...ports,
    admissions: {
      ...ports.admissions,
      admit: (request) => call("Admissions.admit", store.services.admissions.admit(request), clock)
    },
    sessions: {
      ...ports.sessions,
      requestStopsForInvalidKeys: call(
        "Sessions.requestStopsForInvalidKeys",
        store.services.sessions.requestStopsForInvalidKeys,
        clock
      )
    }
  })
}

/** An admission that sees the key as it would be without these. */
const admittingWithout = (
  name: string,
  what: string,
  hidden: { readonly revokesAt?: null; readonly block?: null }
): Bug => ({
  name,
  what,
  change: (ports, { store, call }) => ({
    ...ports,
    admissions: {
      ...ports.admissions,
      admit: Effect.fnUntraced(function* (request) {
        const facts = yield* ports.admissions.facts(request)
        const { keys } = store.state
        const insert = Effect.suspend(() => {
          const now = facts.key === null ? undefined : keys.get(facts.key.id)
          if (now === undefined) return store.services.admissions.admit(request)
          keys.set(now.id, { ...now, ...hidden })
          return Effect.ensuring(
            store.services.admissions.admit(request),
            Effect.sync(() => keys.set(now.id, now))
          )
        })
        return yield* call("Admissions.admit", insert)
      })
    }
  })
})

export const endlessOverlap: Bug = admittingWithout(
  "an overlap without an end",
  "an admission looks at whether the revocation of a rotated key was written, not at when its overlap ends",
  { revokesAt: null }
)

export const blockUnseen: Bug = admittingWithout("a block that is not seen", "an admission does not look at blocks", {
  block: null
})

export const contestUnseen: Bug = {
  name: "a contest that is not seen",
  what: "takeovers are not counted: encoders take a key from each other for as long as they come back",
  change: (ports, { store, call }) => ({
    ...ports,
    admissions: {
      ...ports.admissions,
      facts: (request) => Effect.map(ports.admissions.facts(request), (facts) => ({ ...facts, takeovers: [] })),
      takeOver: (request, takeover) =>
        call(
          "Admissions.takeOver",
          Effect.flatMap(store.services.admissions.facts(request), ({ takeovers }) =>
            store.services.admissions.takeOver(request, { ...takeover, lastSeen: takeovers[0] ?? null })
          )
        )
    }
  })
}

export const takeoverSupersedesItself: Bug = {
  name: "takeover that supersedes itself",
  what: "what a takeover marks includes the session that it has just admitted",
  change: (ports, { store, call }) => ({
    ...ports,
    admissions: {
      ...ports.admissions,
      takeOver: (request, takeover) => {
        const statement = Effect.tap(store.services.admissions.takeOver(request, takeover), () =>
          store.services.sessions.requestStop(request.streamId, "superseded", null)
        )
        return call("Admissions.takeOver", statement)
      }
    }
  })
}

export const authWaits: Bug = {
  name: "an auth that waits for the store",
  what: "what the store is asked at the auth endpoint cannot be interrupted, so that its deadlines add up",
  change: (ports) => ({
    ...ports,
    admissions: {
      ...ports.admissions,
      admit: (request) => Effect.uninterruptible(ports.admissions.admit(request)),
      facts: (request) => Effect.uninterruptible(Effect.delay(ports.admissions.facts(request), 400))
    }
  })
}
