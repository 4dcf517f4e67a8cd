/**
 * What must always hold (docs/simulation.md), checked after every operation that the store executes and at every kick that the media
 * server executes. Looks into the store and into the media server directly, through no port. The numbers are those of the design's
 * list; those with names are more: a session says truly why it ended (`reason`), who asks is answered in time (`time`), nobody acts without
 * the lease (`lease`), RTSP calls keep their turn (`turn`), a good key is let in again (`free`), encoders that take a key from each other are parted (`contest`), nothing fails by itself (`defect`), nothing is done when there is nothing to do (`rest`), every event comes to every reader once and in order (`events`).
 */
import type { MemoryStore } from "@greenroom/adapters/memory"
import {
  applyEvent,
  familyOf,
  foldEvents,
  type SessionState,
  type StreamEvent,
  type StreamId,
  streamEventName
} from "@greenroom/core"
import type { World } from "@greenroom/mediamtx-simulator"
import { DateTime, Result } from "effect"
import type { Counts } from "./Counts.ts"
import type { Strike } from "./InstanceMediaServer.ts"
import type { Kernel } from "./Kernel.ts"
import { isBlocked, whyBad } from "./keyValidityOracle.ts"
import { isAdmitted, type MediaHost } from "./MediaHost.ts"
import { makeObserverModel } from "./ObserverModel.ts"
import { BELIEVED } from "./Ports.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Setting } from "./Step.ts"

export type InvariantName =
  | "1"
  | "2"
  | "3"
  | "4"
  | "5"
  | "6"
  | "7"
  | "reason"
  | "time"
  | "lease"
  | "turn"
  | "free"
  | "contest"
  | "defect"
  | "rest"
  | "events"
  | "view"
  | "watch"
  | "count"

export interface Violation {
  readonly invariant: InvariantName
  /** Simulated milliseconds since the beginning. */
  readonly at: number
  readonly what: string
}

const movesSessions = /^Sessions\.(markReady|markKicked|end)$/
/** A stream key, or a playback token. */
export const aSecret = /sk_[0-9A-Za-z_-]{43}|eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\./

const millis = (at: DateTime.Utc | null | undefined) =>
  at === null || at === undefined ? null : DateTime.toEpochMillis(at)

const isSameState = (a: SessionState, b: SessionState): boolean => {
  const flat = (state: SessionState) => [
    state._tag,
    millis(state.startedAt),
    state.ending?.reason,
    millis(state.ending?.requestedAt),
    millis(state.ending?.kickedAt),
    ...(state._tag === "Connecting" ? [] : [millis(state.readyAt), state.sourceType]),
    ...(state._tag === "Inactive" ? [millis(state.endedAt), state.reason] : [])
  ]
  const left = flat(a)
  const right = flat(b)
  return left.length === right.length && left.every((value, index) => value === right[index])
}

const shortOf = (state: SessionState | null): string =>
  state === null
    ? "(nothing)"
    : state._tag === "Inactive"
      ? `inactive(${state.reason})`
      : `${state._tag.toLowerCase()}${state.ending === null ? "" : ` stopping(${state.ending.reason})`}`

export interface InvariantsOptions {
  readonly kernel: Kernel
  readonly store: SimulatedStore
  readonly host: MediaHost
  readonly counts: Counts
  readonly setting: Setting
}

export const makeInvariants = ({ kernel, store, host, counts, setting }: InvariantsOptions) => {
  const began = kernel.now()
  const { state } = store
  const seen = new Map<StreamId, MemoryStore.StoredStream>()
  const rowOfSource = new Map<string, StreamId>()
  /** Connections whose auth was asked by a copy that came at any time, also when they publish already. */
  const askedAnyTime = new Set<string>()
  const observers = makeObserverModel(kernel, store, host, setting)
  /** Connections that have been on their path, and those whose last auth brought no answer, or one that came too late. */
  const wereOnPath = new Set<string>()
  const unanswered = new Set<string>()
  /** Sessions that an operator wished to end without the media server's word. */
  const forced = new Set<StreamId>()
  const lostWithServer = new Map<string, { readonly at: number; readonly remembered: boolean }>()
  /** When each key was taken over by a connection of its own. */
  const takeovers = new Map<string, ReadonlyArray<number>>()
  let violation: Violation | null = null
  /** Faults have stopped, and everything agrees. */
  let atRest = false

  const fails = (invariant: InvariantName, what: string) => {
    violation ??= { invariant, at: kernel.now() - began, what }
  }
  const occupies = ({ state }: MemoryStore.StoredStream) =>
    state._tag !== "Inactive" && state.ending?.reason !== "superseded"
  const keyOf = (row: MemoryStore.StoredStream) => state.keys.get(row.streamKeyId)!

  const admitted = (row: MemoryStore.StoredStream) => {
    for (const id of state.unended) {
      const other = state.streams.get(id)!
      if (id === row.id || !occupies(other)) continue
      if (other.streamKeyId === row.streamKeyId) fails("1", `the key of ${row.id} has ${id} too`)
      if (other.path === row.path) fails("1", `${row.path} has ${row.id} and ${id}`)
    }
    const former = rowOfSource.get(row.sourceId)
    if (former !== undefined) fails("4", `the source ${row.sourceId} of ${row.id} had ${former} before`)
    rowOfSource.set(row.sourceId, row.id)
    const bad = whyBad(state, row.streamKeyId, kernel.now())
    if (bad !== null) fails("5", `${row.id} was admitted although its key is ${bad}`)
    if (isBlocked(state, row.streamKeyId, row.path, kernel.now()))
      fails("5", `${row.id} was admitted although its key is blocked on ${row.path}`)
    if (aSecret.test(`${row.path} ${row.title} ${row.sourceId}`)) fails("7", `${row.id} holds a key`)
  }

  /** Whether a session of the key, or of the key that it was rotated to, has its place. */
  const takenOverBy = (row: MemoryStore.StoredStream, now: number): boolean => {
    const others = [...state.unended].map((id) => state.streams.get(id)!).filter(occupies)
    if (others.some(({ streamKeyId }) => streamKeyId === row.streamKeyId)) {
      contest(row, now)
      return true
    }
    const { rotatedTo } = keyOf(row)
    const isByNewKey = others.some(({ streamKeyId, path }) => streamKeyId === rotatedTo && path === row.path)
    if (isByNewKey) counts.fault("path taken over by the new key of a rotation")
    return isByNewKey
  }
  /** Of each key: three takeovers within 10 s are the last ones for a minute. */
  const contest = ({ id, streamKeyId }: MemoryStore.StoredStream, now: number) => {
    const times = takeovers.get(streamKeyId) ?? []
    const [third, , first] = times.slice(-3)
    if (third !== undefined && first !== undefined && first - third <= 10_000 && now - first < 60_000)
      fails("contest", `${id} was taken over although its key has been, three times within 10 s`)
    takeovers.set(streamKeyId, [...times, now])
  }

  const stopRequested = (row: MemoryStore.StoredStream, event: StreamEvent & { type: "stop_requested" }) => {
    const key = keyOf(row)
    const now = kernel.now()
    const isTrue = {
      revoked: whyBad(state, key.id, now) === "revoked",
      expired: key.expiresAt !== null && DateTime.toEpochMillis(key.expiresAt) <= now,
      disabled: !key.enabled,
      broadcaster_deleted: state.broadcasters.get(key.broadcasterId)!.deletedAt !== null,
      stopped: true,
      superseded: event.reason === "superseded" && takenOverBy(row, now),
      never_ready:
        row.protocol !== null && familyOf(row.protocol) === "rtsp" && now - millis(row.state.startedAt)! > 10_000
    }[event.reason]
    if (!isTrue) fails("6", `${row.id} is to stop as ${event.reason}, which is not so`)
  }

  /** A hook, or an operator's word alone, moves a session only while nobody looks. */
  const unseen = (row: MemoryStore.StoredStream, instance: string | null) => {
    const age = observers.lookThatStands(instance ?? "")
    if (age !== null)
      fails("6", `${row.id} was moved by somebody's word, although ${instance} knew of a look ${age} ms ago`)
  }
  /** A client that may pause can be listed when its hook says that its path is gone; it was to stop anyway. */
  const pausedAndStopping = (row: MemoryStore.StoredStream, before: SessionState) =>
    before.ending !== null && row.protocol !== null && familyOf(row.protocol) === "rtsp"

  const ended = (row: MemoryStore.StoredStream, before: SessionState, operation: string, instance: string | null) => {
    if (row.state._tag !== "Inactive") return
    const { reason } = row.state
    const own = before._tag === "Active" ? "disconnected" : "never_ready"
    if (reason !== (before.ending?.reason ?? own) && (before.ending !== null || reason !== "media_server_restarted"))
      fails("reason", `${row.id}, which was ${shortOf(before)}, ended as ${reason}`)
    if (operation === "by hand") return
    if (operation === `Sessions.end${BELIEVED}`) {
      unseen(row, instance)
      if (!forced.has(row.id)) counts.fault("hook believed: not ready")
      if (!forced.has(row.id) && !setting.hookSecret)
        fails("6", `${row.id} ended by a hook that anybody could have sent`)
      if (forced.has(row.id) || pausedAndStopping(row, before)) return
    }
    const connection = host.world().connections.get(row.sourceId)
    // The answer of its admission was lost: MediaMTX was told no, and the session that may have come to be is ended by its id.
    const refused =
      connection !== undefined &&
      operation === "Admissions.endGone" &&
      unanswered.has(row.sourceId) &&
      (!isAdmitted(connection) || askedAnyTime.has(row.sourceId))
    if (connection !== undefined && !refused) {
      fails("6", `${row.id} ended as ${reason} by ${operation} while its source is listed (${connection.phase._tag})`)
    }
    const lost = lostWithServer.get(row.sourceId)
    const wasSeen = before._tag === "Active" && lost !== undefined && millis(before.readyAt)! <= lost.at
    if (
      wasSeen &&
      lost.remembered &&
      !observers.cameWhileRestartWasNoticed(row) &&
      row.state.ending === null &&
      operation === "Sessions.end" &&
      reason !== "media_server_restarted"
    ) {
      fails("reason", `${row.id} ended as ${row.state.reason}, but the media server went away under it`)
    }
  }

  const ready = (row: MemoryStore.StoredStream, operation: string, instance: string | null) => {
    if (operation === `Sessions.markReady${BELIEVED}`) {
      unseen(row, instance)
      counts.fault("hook believed: ready")
    } else if (!wereOnPath.has(row.sourceId)) {
      fails("3", `${row.id} became active, but ${row.sourceId} has never been on its path`)
    }
  }

  const checkRow = (id: StreamId, operation: string, instance: string | null) => {
    const row = state.streams.get(id)!
    const before = seen.get(id)
    seen.set(id, row)
    if (before !== undefined && before.state === row.state && before.events === row.events) return
    if (before?.state._tag === "Inactive") fails("4", `${id} has ended, and changed by ${operation}`)
    const old = before?.events ?? []
    if (old.some((event, index) => event !== row.events[index]))
      fails("4", `${id} has another history after ${operation}`)
    let folded: SessionState | null = before?.state ?? null
    for (let index = old.length; index < row.events.length; index++) {
      const event = row.events[index]!
      if (event.seq !== index + 1) fails("4", `event ${index + 1} of ${id} has the number ${event.seq}`)
      const next: Result.Result<SessionState, { readonly why: string }> = applyEvent(folded, event)
      if (Result.isFailure(next)) return fails("4", `${id}: ${next.failure.why}`)
      counts.transition(`${shortOf(folded)} → ${event.type === "kicked" ? "kicked" : shortOf(next.success)}`)
      if (event.type === "admitted") admitted(row)
      if (event.type === "stop_requested") stopRequested(row, event)
      if (event.type === "ended") ended(row, folded!, operation, instance)
      if (event.type === "ready") ready(row, operation, instance)
      folded = next.success
    }
    if (folded === null || !isSameState(folded, row.state))
      fails("4", `${id} is not the fold of its events after ${operation}`)
  }

  return {
    violation: () => violation,
    fails,
    executed: (operation: string, instance: string | null) => {
      // It moves no session.
      if (operation.startsWith("Events.")) return
      if (instance !== null) observers.read(operation, instance)
      const written = store.takeWritten()
      for (const id of written) checkRow(id, operation, instance)
      if (atRest && written.length === 0 && movesSessions.test(operation))
        fails("rest", `${instance} called ${operation} for nothing although everything agreed`)
    },
    rest: (is: boolean) => {
      atRest = is
    },
    looked: observers.looked,
    thawed: observers.thawed,
    mayKickStrangers: observers.mayKickStrangers,
    forced: (id: StreamId) => {
      forced.add(id)
    },
    /** Strangers may be held back: they were too many at once. */
    wereTooMany: observers.wereTooMany,
    happened: (happening: World.Happening) => {
      if (happening._tag === "Ready") wereOnPath.add(happening.connection.id)
      if (happening._tag !== "Closed" || happening.reason !== "server_down") return
      const remembered = state.leases.get("main")?.started === host.started()
      lostWithServer.set(happening.id, { at: kernel.now(), remembered })
    },
    /** An auth for this source came to no decision, or to one that nobody waited for any more. */
    unanswered: (source: string) => {
      unanswered.add(source)
    },
    askedAnyTime: (source: string) => {
      askedAnyTime.add(source)
    },
    /** MediaMTX takes a publisher off the air because Greenroom said so. */
    strikes: ({ source, path, by, strangersToo }: Strike, instance: string) => {
      if (source === null) {
        if (host.world().ownSources.has(path))
          fails("6", `${path} was reset, although its source is the media server's own`)
        return
      }
      const connection = host.world().connections.get(source)
      if (connection?.action === "read") fails("6", `the reader ${source} was kicked`)
      const id = state.streamBySource.get(source)
      const row = id === undefined ? undefined : state.streams.get(id)!
      if (row === undefined && !strangersToo) fails("6", `the stranger ${source} was kicked, which nobody wished`)
      if (row === undefined && observers.sawTooMany(instance)) counts.fault("stranger kicked as an operator wished")
      if (row === undefined && connection?.phase._tag === "Asking")
        fails("6", `${source} was kicked while it was being asked about`)
      if (row === undefined || row.state._tag === "Inactive" || row.state.ending !== null) return
      if (by === "kick" && askedAnyTime.has(source) && observers.wasAdmittedSince(row, instance)) return
      if (by === "cure" && (connection === undefined || observers.hasComeSince(connection, instance))) return
      fails("6", `${source} was taken off the air by a ${by}, although ${row.id} is admitted and nobody stops it`)
    },
    /** What an instance writes or answers, as text. */
    said: (what: string, text: string) => {
      if (aSecret.test(text)) fails("7", `a key in ${what}: ${text}`)
    },
    reported: (source: string) => {
      counts.fault("publisher reported")
      if (state.streamBySource.has(source) && !askedAnyTime.has(source)) {
        fails("6", `${source} was reported as nobody's, although it had a session`)
      }
    },
    /** Everything once more, from the beginning. */
    finish: () => {
      store.now("Events.place", store.services.events.place(1_000_000))
      const logged = Map.groupBy(state.eventLog.placed, ({ subject }) => subject)
      for (const row of state.streams.values()) {
        const events = logged.get(`stream:${row.id}`) ?? []
        const names = row.events.map(({ seq, type }) => `${seq} ${streamEventName[type]}`)
        if (names.join() !== events.map(({ streamSeq, type }) => `${streamSeq} ${type}`).join())
          fails("events", `${row.id} has the events ${events.map(({ type }) => type).join()} for ${names.join()}`)
        const folded = foldEvents(row.events)
        if (Result.isFailure(folded)) fails("4", `${row.id}: ${folded.failure.why}`)
        else if (!isSameState(folded.success, row.state)) fails("4", `${row.id} is not the fold of its events`)
        if ((row.state._tag !== "Inactive") !== state.unended.has(row.id)) fails("4", `${row.id} is lost`)
      }
      for (const key of state.keys.values())
        if (aSecret.test(`${key.label} ${key.path} ${key.keyPrefix}`)) fails("7", `${key.id} holds a key`)
    }
  }
}

export type Invariants = ReturnType<typeof makeInvariants>
