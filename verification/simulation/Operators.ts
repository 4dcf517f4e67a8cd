/**
 * What people do through Greenroom's API: revoke, suspend, let expire, delete, stop, issue. Each runs the real use case in some instance.
 * An acknowledged suspension must have stopped the stream that was there, whatever is allowed again afterwards.
 */
import type { MemoryStore } from "@greenroom/adapters/memory"
import {
  changeKey,
  createBroadcaster,
  forceStop,
  issueKey,
  removeBroadcaster,
  requestReconciliation,
  revoke,
  rotateKey,
  type StreamId,
  stopStream
} from "@greenroom/core"
import { DateTime, Effect, Exit, Option, Redacted } from "effect"
import type { Counts } from "./Counts.ts"
import type { Instance } from "./Instance.ts"
import type { Invariants } from "./Invariants.ts"
import type { Kernel } from "./Kernel.ts"
import type { MediaHost } from "./MediaHost.ts"
import type { Member } from "./Scenario.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Action } from "./Step.ts"

type Does<T extends Action["_tag"]> = Omit<Extract<Action, { readonly _tag: T }>, "_tag">

export interface OperatorsOptions {
  readonly kernel: Kernel
  readonly counts: Counts
  readonly store: SimulatedStore
  readonly host: MediaHost
  readonly scenario: ReadonlyArray<Member>
  readonly invariants: Invariants
  /** A well instance, the one asked for if it is well. */
  readonly instance: (index: number) => Instance | undefined
}

export const makeOperators = ({ kernel, counts, store, host, scenario, invariants, instance }: OperatorsOptions) => {
  const { state } = store
  const member = (who: number) => scenario[who % scenario.length]!
  const streamOf = (who: number): StreamId | undefined =>
    [...state.unended].find((id) => state.streams.get(id)!.streamKeyId === member(who).key.id)

  /** How often somebody has allowed each key again. */
  const allowed = new Map<string, number>()
  const enable = (who: number, at: Instance | undefined) => {
    const { id } = member(who).key
    allowed.set(id, (allowed.get(id) ?? 0) + 1)
    at?.run(changeKey(id, { enabled: true }), (exit) => {
      if (Exit.isSuccess(exit)) counts.fault("key enabled again")
    })
  }

  const force = (id: StreamId, at: Instance | undefined) => {
    invariants.forced(id)
    at?.run(forceStop(id), (exit) => {
      if (Exit.isFailure(exit) || Option.isNone(exit.value)) return
      counts.note(`forced stop: ${exit.value.value}`)
      if (exit.value.value === "Ended") counts.fault("stream stopped by force")
    })
  }

  /** What was acknowledged is for good: whoever was there is told to stop by now. */
  const nobodyGoesOn = (what: string, isOf: (row: MemoryStore.StoredStream) => boolean) => {
    for (const id of state.unended) {
      const row = state.streams.get(id)!
      if (isOf(row) && row.state._tag !== "Inactive" && row.state.ending === null)
        invariants.fails("5", `${id} goes on after the answer that ${what}`)
    }
  }

  return {
    revoke: ({ who, instance: at }: Does<"Revoke">) => {
      const { id } = member(who).key
      instance(at)?.operate("a revocation", revoke(id), (exit) => {
        if (!Exit.isSuccess(exit)) return
        counts.fault("key revoked")
        nobodyGoesOn("its key is revoked", ({ streamKeyId }) => streamKeyId === id)
      })
    },
    disable: ({ who, instance: at, enableAfter, patient }: Does<"Disable">) => {
      const { key } = member(who)
      const live = streamOf(who)
      const allowedBefore = allowed.get(key.id)
      const enableSoon = () => {
        if (enableAfter === null) return
        kernel.after(enableAfter, () => enable(who, instance(at)))
      }
      instance(at)?.operate("a suspension", changeKey(key.id, { enabled: false }), (exit) => {
        if (Exit.isSuccess(exit) && exit.value._tag === "Changed") {
          counts.fault("key disabled")
          const row = live === undefined ? undefined : state.streams.get(live)!
          const goesOn = row !== undefined && row.state.ending === null && row.state._tag !== "Inactive"
          // Whoever allows the key again before this was answered has allowed its stream, too.
          if (goesOn && allowed.get(key.id) !== allowedBefore) counts.note("streams that a concurrent enabling saved")
          else if (goesOn) invariants.fails("5", `${row.id} goes on after the answer that its key is disabled`)
        }
        if (patient) enableSoon()
      })
      if (!patient) enableSoon()
    },
    rotate: ({ who, instance: at, overlapSeconds, handed }: Does<"Rotate">) => {
      const place = member(who)
      const { id } = place.key
      instance(at)?.operate("a rotation", rotateKey(id, overlapSeconds), (exit) => {
        if (Exit.isFailure(exit) || exit.value._tag !== "Rotated") return
        const { key, value } = exit.value
        counts.fault(overlapSeconds === 0 ? "key rotated" : "key rotated with an overlap")
        if (overlapSeconds === 0) nobodyGoesOn("its key is rotated", ({ streamKeyId }) => streamKeyId === id)
        if (handed && place.key.id === id) place.key = { id: key.id, value: Redacted.value(value) }
      })
    },
    stopAndBlock: ({ who, instance: at, seconds }: Does<"StopAndBlock">) => {
      const id = streamOf(who)
      if (id === undefined) return
      counts.fault("stream stopped, and its key blocked")
      instance(at)?.operate("a stop", stopStream(id, { blockSeconds: seconds }), () => {})
    },
    expire: ({ who, instance: at, in: millis }: Does<"Expire">) => {
      const expiresAt = DateTime.makeUnsafe(kernel.now() + millis)
      instance(at)?.run(changeKey(member(who).key.id, { expiresAt }), (exit) => {
        if (Exit.isSuccess(exit) && exit.value._tag === "Changed") counts.fault("key given an end")
      })
    },
    deleteBroadcaster: ({ who, instance: at }: Does<"DeleteBroadcaster">) => {
      const { broadcasterId } = member(who)
      const isTheirs = ({ streamKeyId }: MemoryStore.StoredStream) =>
        state.keys.get(streamKeyId)!.broadcasterId === broadcasterId
      instance(at)?.operate("a deletion", removeBroadcaster(broadcasterId), (exit) => {
        if (!Exit.isSuccess(exit)) return
        counts.fault("broadcaster deleted")
        nobodyGoesOn("its broadcaster is deleted", isTheirs)
      })
    },
    stopStream: ({ who, instance: at }: Does<"StopStream">) => {
      const id = streamOf(who)
      if (id === undefined) return
      counts.fault("stream stopped by an operator")
      instance(at)?.operate("a stop", stopStream(id), () => {})
    },
    forceStop: ({ who, instance: at }: Does<"ForceStop">) => {
      const id = streamOf(who)
      if (id !== undefined) force(id, instance(at))
    },
    /** Whoever has left, while nobody can look: their keys are to be free again. */
    forceTheGone: () => {
      for (const id of state.unended) {
        if (!host.world().connections.has(state.streams.get(id)!.sourceId)) force(id, instance(0))
      }
    },
    enforce: ({ instance: at }: Does<"Enforce">) => {
      instance(at)?.run(requestReconciliation(true), (exit) => {
        if (Exit.isSuccess(exit)) counts.fault("enforcement wished")
      })
    },
    /** Gives a place a key that is good, and a broadcaster if its own is gone. */
    newKey: ({ who, instance: at }: Does<"NewKey">) => {
      const place = member(who)
      instance(at)?.run(
        Effect.gen(function* () {
          const order = { label: null, path: place.limit, expiresAt: null }
          const first = yield* issueKey({ ...order, broadcasterId: place.broadcasterId })
          if (first._tag !== "UnknownBroadcaster") return { outcome: first, broadcasterId: place.broadcasterId }
          const { id } = yield* createBroadcaster({ displayName: "Studio", contact: null, metadata: {} })
          return { outcome: yield* issueKey({ ...order, broadcasterId: id }), broadcasterId: id }
        }),
        (exit) => {
          if (Exit.isFailure(exit) || exit.value.outcome._tag !== "Issued") return
          counts.note("new keys")
          const { outcome, broadcasterId } = exit.value
          place.key = { id: outcome.key.id, value: Redacted.value(outcome.value) }
          place.broadcasterId = broadcasterId
        }
      )
    },
    /** With a hand in the database. */
    endByHand: (who: number) => {
      const id = streamOf(who)
      if (id === undefined) return
      counts.fault("row ended by hand")
      store.now("by hand", store.services.admissions.endGone(id))
    }
  }
}

export type Operators = ReturnType<typeof makeOperators>
