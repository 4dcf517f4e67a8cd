/**
 * Random inputs of `planReconciliation`, made of actors: each is a connection, a session, both or neither, on either side of every boundary
 * that the rules know. `sceneOf` turns actors into two snapshots, a look and a memory; the actors stay beside them as the reference.
 */
import {
  type Ending,
  type EndReason,
  initialState,
  type ListedPath,
  type ListedSource,
  type MediaServerSnapshot,
  type Observation,
  type PassPolicy,
  type Policy,
  type Protocol,
  type planReconciliation,
  protocols,
  type ReconcileState,
  StopReason,
  type StoredSession,
  type StoreSnapshotAfter,
  sourceTypes
} from "@greenroom/core"
import { Arbitrary, type DateTime } from "effect"
import { boolean, element, oneOf } from "./draw.ts"
import { at, keyId, NOW, streamId } from "./idsAndTimes.ts"

type Appearances = ReconcileState["appearances"]

/** One connection, session, or both. */
export interface Actor {
  /** In which snapshots its session stands unended; `ended`: it had one that is over; `none`: never. */
  readonly stored: "both" | "before" | "during" | "ended" | "none"
  readonly active: boolean
  readonly ending: { readonly reason: StopReason; readonly kicked: boolean } | null
  /** How long before the first snapshot it was admitted, in milliseconds. */
  readonly age: number
  readonly protocol: Protocol
  readonly listed: "no" | "idle" | "read" | "publish"
  readonly established: boolean
  readonly path: "no" | "waiting" | "ready"
  readonly viewers: number
  /** It stood on its path but in no list in the pass before. */
  readonly seenUnlisted: boolean
  /** Its session was seen on the media server in the pass before. */
  readonly appearedBefore: boolean
}

export const actors: Arbitrary.Arbitrary<Actor> = Arbitrary.all({
  stored: element(["both", "none", "before", "during", "ended", "both"]),
  active: boolean,
  ending: oneOf<Actor["ending"]>([
    element([null]),
    Arbitrary.all({ reason: element(StopReason.literals), kicked: boolean })
  ]),
  age: element([60_000, -3_600_000, 0, 1, 999, 1_000, 1_001, 8_999, 9_000, 9_999, 10_000, 10_001]),
  protocol: element(protocols),
  listed: element(["no", "publish", "publish", "read", "idle"]),
  established: element([true, true, false]),
  path: element(["no", "ready", "waiting"]),
  viewers: element([0, 1, 7]),
  seenUnlisted: boolean,
  appearedBefore: element([true, true, false])
})

export const policies: Arbitrary.Arbitrary<Policy> = Arbitrary.all({
  unauthorized: element(["kick", "report"]),
  massKickLimit: element([10, 0, 1, 2, 3]),
  enforce: element([false, true])
})

/** The inputs of one pass, and the actors that they were made of. */
export interface Scene {
  readonly cast: ReadonlyArray<Actor>
  readonly policy: Policy
  readonly asksUs: boolean | null
  readonly s1: { readonly now: DateTime.Utc; readonly open: ReadonlyArray<StoredSession> }
  readonly look: MediaServerSnapshot
  readonly s2: StoreSnapshotAfter
  readonly memory: ReconcileState
}

export const sourceOf = (index: number): string => `source-${index}`
export const observationOf = (actor: Actor): Observation => ({
  tracks: [{ codec: "H264" }],
  viewerCount: actor.viewers,
  inboundBytes: actor.age
})
const endingOf = (actor: Actor): Ending | null =>
  actor.ending === null
    ? null
    : { reason: actor.ending.reason, requestedAt: at(-1), kickedAt: actor.ending.kicked ? at(-1) : null }

const sessionOf = (actor: Actor, index: number): StoredSession => {
  const startedAt = at(-actor.age)
  const ending = endingOf(actor)
  return {
    streamId: streamId(index),
    streamKeyId: keyId(index),
    path: `live/${index}`,
    source: { protocol: actor.protocol, id: sourceOf(index) },
    state: actor.active
      ? { _tag: "Active", startedAt, readyAt: startedAt, sourceType: sourceTypes[actor.protocol], ending }
      : { _tag: "Connecting", startedAt, ending }
  }
}

type Those = <A>(is: (actor: Actor) => boolean, of: (actor: Actor, index: number) => A) => ReadonlyArray<A>

const thoseOf =
  (cast: ReadonlyArray<Actor>): Those =>
  (is, of) =>
    cast.flatMap((actor, index) => (is(actor) ? [of(actor, index)] : []))

const snapshotOf = (those: Those): MediaServerSnapshot => ({
  started: "this process",
  sources: those(
    (actor) => actor.listed !== "no",
    (actor, index): ListedSource => ({
      id: sourceOf(index),
      protocol: actor.protocol,
      state: actor.listed === "no" ? "idle" : actor.listed,
      established: actor.established,
      path: `live/${index}`
    })
  ),
  paths: those(
    (actor) => actor.path !== "no",
    (actor, index): ListedPath => ({
      name: `live/${index}`,
      ready: actor.path === "ready",
      sourceType: sourceTypes[actor.protocol],
      sourceId: sourceOf(index),
      observation: observationOf(actor)
    })
  ),
  ownPaths: [],
  readers: []
})

/**
 * `between`: how long the snapshot took, in milliseconds; `restarted`: the media server is another process than in the pass before;
 * `holding`: that pass held unauthorized publishers back.
 */
export const sceneOf = (
  cast: ReadonlyArray<Actor>,
  policy: Policy,
  between: number,
  restarted: boolean | null,
  holding = false,
  {
    asksUs = true,
    appearances = initialState.appearances,
    continuous = true
  }: { readonly asksUs?: boolean | null; readonly appearances?: Appearances; readonly continuous?: boolean } = {}
): Scene => {
  const those = thoseOf(cast)
  const sourcesOf = (is: (actor: Actor) => boolean) => new Set(those(is, (_, index) => sourceOf(index)))
  const isSeen = (actor: Actor) => actor.listed !== "no" || actor.path !== "no"
  return {
    cast,
    policy,
    asksUs,
    s1: { now: NOW, open: those((actor) => actor.stored === "both" || actor.stored === "before", sessionOf) },
    look: snapshotOf(those),
    s2: {
      now: at(between),
      open: those((actor) => actor.stored === "both" || actor.stored === "during", sessionOf),
      formerlyAdmitted: sourcesOf((actor) => isSeen(actor) && (actor.stored === "ended" || actor.stored === "before"))
    },
    memory: {
      started: restarted === null ? null : restarted ? "another process" : "this process",
      restartsSeen: restarted === null ? null : 0,
      holding,
      unlisted: sourcesOf((actor) => actor.seenUnlisted),
      appeared: sourcesOf((actor) => actor.appearedBefore),
      appearances,
      settled: null,
      onAir: null,
      observed: new Map(),
      continuous
    }
  }
}

export const scenes: Arbitrary.Arbitrary<Scene> = Arbitrary.map(
  Arbitrary.all({
    cast: Arbitrary.array(actors, { maxLength: 12 }),
    policy: policies,
    between: element([0, 5, 1_000]),
    restarted: element([false, null, true]),
    holding: boolean,
    asksUs: element<boolean | null>([true, true, true, false, null]),
    appearances: Arbitrary.map(
      Arbitrary.all({
        last: Arbitrary.array(element([true, true, false]), { maxLength: 8 }),
        absentAgo: element([0, 1_000, 599_999, 600_000, -1_000])
      }),
      ({ last, absentAgo }): Appearances => ({ last, absentAt: last.includes(false) ? at(-absentAgo) : null })
    ),
    continuous: element([true, true, false])
  }),
  ({ cast, policy, between, restarted, holding, ...more }) => sceneOf(cast, policy, between, restarted, holding, more)
)

/** The reason of an end, from the actor alone. */
export const reasonOf = (actor: Actor, restarted: boolean): EndReason =>
  actor.ending?.reason ?? (restarted ? "media_server_restarted" : actor.active ? "disconnected" : "never_ready")

/** The arguments of `planReconciliation`. */
export const planInputs: Arbitrary.Arbitrary<Parameters<typeof planReconciliation>> = Arbitrary.map(
  scenes,
  ({ policy, asksUs, s1, look, s2, memory }) => [{ ...policy, asksUs } satisfies PassPolicy, s1, look, s2, memory]
)
