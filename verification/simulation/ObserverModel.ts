/**
 * What each instance can know when it acts: what it has read of the store and of the media server, and when. What happens after the last
 * reading, no reading can rule out; `Invariants` asks here how far that goes.
 */
import type { MemoryStore } from "@greenroom/adapters/memory"
import { type MediaServerSnapshot, saysPublishEarly } from "@greenroom/core"
import type { World } from "@greenroom/mediamtx-simulator"
import type { Kernel } from "./Kernel.ts"
import type { MediaHost } from "./MediaHost.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Setting } from "./Step.ts"

/** A look that began within this time stands: while it does, nothing but looking moves a session. */
const LOOK_STANDS_MS = 3_000
/** An instance counts from the beginning of its pass; the store says when its look began, after whatever came first. */
const BEFORE_A_LOOK_MS = 500
/** So long does an instance ask whether it may look before it takes somebody's word. */
const ASKED_WITHIN_MS = 600
/** As long as a pass may last: so long may a wish that it has read be over before it acts by it. */
const WISH_READ_WITHIN_MS = 16_000

export const makeObserverModel = (kernel: Kernel, store: SimulatedStore, host: MediaHost, setting: Setting) => {
  const { state } = store
  /**
   * When each instance last read what its kicks and its cures go by: sessions by source, the paths list, and the snapshot after the look
   * that came before.
   */
  const reread = new Map<string, number>()
  const readingOf = (instance: string, what: "Sessions.bySource" | "paths" | "Sessions.after") =>
    reread.get(`${instance} ${what}`) ?? -1
  const lastLook = new Map<string, MediaServerSnapshot>()
  /** How many restarts without a new `started` each had seen when it last completed a pass. */
  const restartsKnown = new Map<string, number>()
  /** When each last read that an operator wishes strangers to go. */
  const wishRead = new Map<string, number>()
  /** Whether what each instance goes by has more strangers in it than it may kick. */
  const tooMany = new Map<string, boolean>()
  /** The process of the media server on which more strangers were seen than the limit, and no pass since then has recorded that there are none. */
  let crowded: string | null = null
  /** Whether the pass under way of each instance has seen that there are none, or that the media server was restarted. */
  const seesNone = new Map<string, boolean>()
  /** What a look calls it; a version that does not say when it was started has one name for all its processes. */
  const processName = () => (host.facts.info ? host.started() : "unknown")
  /** When each instance last read who there is before it looked. */
  const snapshots = new Map<string, number>()
  /** For each process of the media server, how old the snapshot was with which its beginning was noticed. */
  const noticedWith = new Map<string, number>()
  /** The looks of which each instance knows, the newest last: when each began, and since when the instance knows of it. */
  const looksKnown = new Map<string, Array<{ readonly began: number; readonly since: number }>>()
  const thawed = new Map<string, number>()

  const wishes = (instance: string) =>
    kernel.now() - (wishRead.get(instance) ?? Number.NEGATIVE_INFINITY) < WISH_READ_WITHIN_MS
  const isStranger = ({ id, state: at, protocol, established }: MediaServerSnapshot["sources"][number]) =>
    at === "publish" && (!saysPublishEarly(protocol) || established) && !state.streamBySource.has(id)

  return {
    /** The store has executed an operation of this instance. */
    read: (operation: string, instance: string) => {
      const now = kernel.now()
      const lease = state.leases.get("main")
      if (operation === "Sessions.bySource" || operation === "Sessions.after")
        reread.set(`${instance} ${operation}`, now)
      const hasReadLease = operation === "Leases.acquire" || operation === "Leases.recordPass"
      if (hasReadLease) {
        const known = looksKnown.get(instance) ?? []
        looksKnown.set(instance, known)
        const began = lease?.lastSnapshot?.at
        if (began !== undefined && known.at(-1)?.began !== began) known.push({ began, since: now })
      }
      if (operation === "Sessions.open") snapshots.set(instance, now)
      const process = lease?.started
      if (operation === "Leases.recordPass" && process != null && !noticedWith.has(process))
        noticedWith.set(process, snapshots.get(instance) ?? now)
      if (operation === "Leases.recordPass")
        restartsKnown.set(instance, lastLook.get(instance)?.restartsSeen?.count ?? 0)
      if (hasReadLease && (lease?.enforceUntil ?? 0) > now) wishRead.set(instance, now)
      if (operation === "Sessions.after") {
        const look = lastLook.get(instance)
        const strangers = (look?.sources ?? []).filter(isStranger).length
        const { count, now: isNew } = look?.restartsSeen ?? { count: 0, now: false }
        const hasSeenRestart = isNew || count > (restartsKnown.get(instance) ?? Number.POSITIVE_INFINITY)
        const isSameProcess = lease?.started === look?.started && !hasSeenRestart
        const holding = lease?.lastSnapshot?.found.heldWhy === "too_many" && isSameProcess
        tooMany.set(instance, strangers > (holding ? 0 : setting.massKickLimit))
        if (strangers > setting.massKickLimit) crowded = processName()
        seesNone.set(instance, strangers <= setting.massKickLimit && (strangers === 0 || hasSeenRestart))
      }
      if (operation === "Leases.recordPass" && lease?.holder === instance && seesNone.get(instance) === true)
        crowded = null
    },
    looked: (instance: string, look: MediaServerSnapshot, pathsReadAt: number) => {
      lastLook.set(instance, look)
      reread.set(`${instance} paths`, pathsReadAt)
    },
    thawed: (instance: string) => {
      thawed.set(instance, kernel.now())
    },
    /** The age of a whole look of which this instance has known for long enough not to take anybody's word; `null` if there is none. */
    lookThatStands: (instance: string): number | null => {
      const now = kernel.now()
      const known = looksKnown.get(instance)?.findLast(({ since }) => since < now - ASKED_WITHIN_MS)
      if (known === undefined || now - known.began >= LOOK_STANDS_MS - BEFORE_A_LOOK_MS) return null
      // Whoever stood still, or waited for the store, may have decided before.
      if (!store.wasWellSince(now - LOOK_STANDS_MS)) return null
      return (thawed.get(instance) ?? 0) > now - LOOK_STANDS_MS ? null : now - known.began
    },
    mayKickStrangers: (instance: string): boolean =>
      setting.unauthorized === "kick" && (tooMany.get(instance) !== true || wishes(instance)),
    /** Let in while the pass that noticed the media server's new process was under way: that pass did not know of it. */
    cameWhileRestartWasNoticed: ({ state: { startedAt } }: MemoryStore.StoredStream): boolean =>
      startedAt.epochMilliseconds >= (noticedWith.get(host.started()) ?? Number.POSITIVE_INFINITY),
    wereTooMany: (): boolean => crowded === processName(),
    sawTooMany: (instance: string): boolean => tooMany.get(instance) === true,
    /** Admitted since a moment after the instance read, for the last time, whom it may kick. */
    wasAdmittedSince: ({ state: { startedAt } }: MemoryStore.StoredStream, instance: string): boolean => {
      const read = readingOf(instance, "Sessions.bySource")
      return read >= 0 && startedAt.epochMilliseconds >= read
    },
    /** On the path since a moment after the instance looked at it for the second time. */
    hasComeSince: ({ phase }: World.Connection, instance: string): boolean => {
      const looked = readingOf(instance, "paths")
      return phase._tag === "Publishing" && looked > readingOf(instance, "Sessions.after") && phase.since >= looked
    }
  }
}
