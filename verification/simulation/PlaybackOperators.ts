/** What people do about viewers through Greenroom's API: issue, revoke, make public and private, change keys, kick. Each runs the real use case in some instance. */
import type { MemoryStore } from "@greenroom/adapters/memory"
import {
  addSigningKey,
  type Coverage,
  changeBroadcaster,
  changeKey,
  createPlaybackToken,
  kickViewer,
  removeSigningKey,
  revokePlaybackToken,
  revokeViewer,
  rotateSigningKey,
  type SigningKeyId,
  ViewerId
} from "@greenroom/core"
import { DateTime, Exit, Redacted } from "effect"
import type { Rng } from "../worlds/Rng.ts"
import type { Counts } from "./Counts.ts"
import type { Instance } from "./Instance.ts"
import type { Kernel } from "./Kernel.ts"
import type { Players } from "./Players.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Action, IssueToken } from "./Step.ts"
import type { TokenBook } from "./TokenBook.ts"
import type { ViewerInvariants } from "./ViewerInvariants.ts"

type Does<T extends Action["_tag"]> = Omit<Extract<Action, { readonly _tag: T }>, "_tag">

export interface PlaybackOperatorsOptions {
  readonly kernel: Kernel
  readonly rng: Rng
  readonly counts: Counts
  readonly store: SimulatedStore
  readonly players: Players
  readonly tokens: TokenBook
  readonly invariants: ViewerInvariants
  /** A well instance, the one asked for if it is well. */
  readonly instance: (index: number) => Instance | undefined
}

const viewerIdOf = (viewerId: number | null): ViewerId | null =>
  viewerId === null ? null : ViewerId.make(`user-${viewerId}`)

/** Keys that an application has, or had. */
const isRemovable = ({ removedAt, issuer, verifiesUntil }: MemoryStore.StoredSigningKey): boolean =>
  removedAt === null && (issuer === "application" || verifiesUntil !== null)

export const makePlaybackOperators = (options: PlaybackOperatorsOptions) => {
  const { kernel, rng, counts, store, players, tokens, invariants, instance } = options
  const { state } = store

  const coverageOf = (who: number, covers: Coverage["_tag"]): Coverage => {
    const { path, broadcasterId } = players.placeOf(who)
    const streamId = [...state.unended].find((id) => state.streams.get(id)!.path === path)
    if (covers === "Stream" && streamId !== undefined) return { _tag: "Stream", streamId }
    if (covers === "Broadcaster") return { _tag: "Broadcaster", broadcasterId }
    return covers === "Pattern" ? { _tag: "Pattern", pattern: "live/*" } : { _tag: "Path", path }
  }
  const makeKeyKnown = (at: Instance | undefined) => {
    const { id, pair } = tokens.applicationKey()
    at?.run(addSigningKey({ id, publicKey: pair.publicKey }), () => {})
  }

  return {
    makeKeyKnown,
    issue: ({ who, instance: at, by, covers, viewerId, maxSessions, expiresIn }: Omit<IssueToken, "_tag">) => {
      const of = { coverage: coverageOf(who, covers), viewerId: viewerIdOf(viewerId), maxSessions }
      counts.fault(`playback token by ${by}`)
      if (by === "application") return void tokens.sign(of, expiresIn)
      const asked = {
        ...of,
        expiresInSeconds: Math.max(60, expiresIn),
        notBefore: null,
        ips: [],
        actions: ["read"] as const,
        metadata: {}
      }
      instance(at)?.run(createPlaybackToken(asked), (exit) => {
        if (Exit.isFailure(exit) || exit.value._tag !== "Created") return
        const { stored, token } = exit.value
        const claims = {
          ...of,
          id: stored.id,
          actions: stored.actions,
          issuedAt: stored.createdAt.epochMilliseconds / 1_000,
          notBefore: null,
          expiresAt: stored.expiresAt.epochMilliseconds / 1_000,
          ips: []
        }
        tokens.add(claims, stored.signingKeyId, Redacted.value(token))
      })
    },
    revokeToken: ({ viewer, instance: at }: Does<"RevokeToken">) => {
      const token = players.tokenOf(viewer)
      if (token === null) return
      instance(at)?.operate("a revocation of a token", revokePlaybackToken(token.claims.id), (exit) => {
        if (Exit.isSuccess(exit) && exit.value._tag === "Some") counts.fault("playback token revoked")
      })
    },
    revokeViewer: ({ viewerId, instance: at, until }: Does<"RevokeViewer">) => {
      const end = until === null ? null : DateTime.makeUnsafe(kernel.now() + until)
      instance(at)?.operate("a revocation of a viewer", revokeViewer(viewerIdOf(viewerId)!, end), (exit) => {
        if (Exit.isFailure(exit) || exit.value._tag !== "Revoked") return
        counts.fault(until === null ? "viewer revoked" : "viewer revoked for a while")
      })
    },
    setPlayback: ({ who, instance: at, of, policy }: Does<"SetPlayback">) => {
      const { key, broadcasterId } = players.placeOf(who)
      const name = `playback of a ${of}: ${policy ?? "as above it"}`
      if (of === "key") {
        instance(at)?.operate("a change of a key", changeKey(key.id, { playback: policy }), (exit) => {
          if (Exit.isSuccess(exit) && exit.value._tag === "Changed") counts.fault(name)
        })
      } else {
        instance(at)?.operate(
          "a change of a broadcaster",
          changeBroadcaster(broadcasterId, { playback: policy }),
          (exit) => {
            if (Exit.isSuccess(exit)) counts.fault(name)
          }
        )
      }
    },
    rotateKey: ({ instance: at, overlapSeconds }: Does<"RotateSigningKey">) => {
      instance(at)?.run(rotateSigningKey({ overlapSeconds }), (exit) => {
        if (Exit.isSuccess(exit) && exit.value._tag === "Rotated") counts.fault("signing key rotated")
      })
    },
    removeKey: ({ instance: at }: Does<"RemoveSigningKey">) => {
      const those = [...state.signingKeys.values()].filter(isRemovable)
      if (those.length === 0) return
      const { id, issuer } = rng.pick(those)
      instance(at)?.run(removeSigningKey(id as SigningKeyId), (exit) => {
        if (Exit.isFailure(exit) || exit.value !== "Removed") return
        counts.fault(`signing key of ${issuer === "application" ? "an application" : "Greenroom"} removed`)
        if (id !== tokens.applicationKey().id) return
        tokens.changeApplicationKey()
        makeKeyKnown(instance(at))
      })
    },
    kick: ({ viewer, instance: at }: Does<"KickViewer">) => {
      const id = players.currentOf(viewer)
      if (id === undefined) return
      invariants.kickWished(id)
      instance(at)?.run(kickViewer(id), (exit) => {
        if (Exit.isSuccess(exit) && exit.value) counts.fault("viewer kicked by an operator")
      })
    }
  }
}

export type PlaybackOperators = ReturnType<typeof makePlaybackOperators>
