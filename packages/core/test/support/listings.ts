/** The listing ports over plain arrays, as far as the use cases need them, with what they were asked. */
import {
  type Broadcaster,
  Broadcasters,
  type ChangeOutcome,
  type IssueOutcome,
  type KeyAt,
  type LiveStream,
  type Page,
  type RotateOutcome,
  replacePorts,
  type StreamEvent,
  type StreamKey,
  StreamKeys,
  Streams
} from "@greenroom/core"
import { Effect, Layer, Option } from "effect"
import { broadcasterId, keyId, NOW, streamId } from "./arbitraries.ts"
import type { Stage } from "./stage.ts"

export const aBroadcaster = (n: number): Broadcaster => ({
  id: broadcasterId(n),
  externalId: null,
  displayName: `Studio ${n}`,
  contact: "ops@studio.example",
  metadata: { n },
  playback: null,
  createdAt: NOW,
  updatedAt: NOW
})

export const aKey = (n: number, more: Partial<StreamKey> = {}): StreamKey => ({
  id: keyId(n),
  keyPrefix: "sk_abcd",
  broadcasterId: broadcasterId(1),
  broadcaster: { displayName: "Studio 1", deleted: false },
  label: null,
  path: null,
  playback: null,
  enabled: true,
  createdAt: NOW,
  expiresAt: null,
  revokedAt: null,
  revokesAt: null,
  rotatedTo: null,
  rotatedFrom: null,
  block: null,
  lastUsedAt: null,
  activeStreamId: null,
  ...more
})

export const aStream = (n: number, more: Partial<LiveStream> = {}): LiveStream => ({
  id: streamId(n),
  streamKeyId: keyId(n),
  broadcaster: { id: broadcasterId(1), displayName: "Studio 1" },
  path: `live/${n}`,
  protocol: "rtmp",
  sourceId: `source-${n}`,
  playback: null,
  title: null,
  description: null,
  metadata: {},
  recordingRef: null,
  state: { _tag: "Active", startedAt: NOW, readyAt: NOW, sourceType: "rtmpConn", ending: null },
  observation: { tracks: [{ codec: "H264" }], viewerCount: 3, inboundBytes: 9 },
  stateAsOf: NOW,
  ...more
})

export const VERSION = "a version"

const pageOf = <A>(items: ReadonlyArray<A>): Page<A> => ({ items, next: null, now: NOW })

/** Ports that know `keys`, `streams` and `broadcasters`; unended streams are those of the stage. */
export const makeListings = (stage: Stage) => {
  const keys = new Map<string, StreamKey>()
  const streams = new Map<string, LiveStream>()
  const broadcasters = new Map<string, Broadcaster>()
  const asked: Array<readonly [name: string, ...args: ReadonlyArray<unknown>]> = []
  const outcomes: { issue: IssueOutcome | null; change: ChangeOutcome | null; rotate: RotateOutcome | null } = {
    issue: null,
    change: null,
    rotate: null
  }
  let events: ReadonlyArray<StreamEvent> = []
  let taken = 0
  const port =
    <Args extends ReadonlyArray<unknown>, A>(name: string, run: (...args: Args) => A) =>
    (...args: Args) =>
      Effect.sync(() => {
        asked.push([name, ...args])
        return run(...args)
      })
  const keyAt = (id: string): Option.Option<KeyAt> =>
    Option.map(Option.fromNullishOr(keys.get(id)), (key) => ({ key, now: NOW }))
  const details = (id: string) =>
    Option.map(Option.fromNullishOr(streams.get(id)), (stream) => ({ stream, broadcaster: aBroadcaster(1), now: NOW }))

  const layer = replacePorts(() => ({
    streamKeys: StreamKeys.of({
      issue: port("issue", (order): IssueOutcome => {
        const { hash: _, ...fields } = order
        if (taken-- > 0) return { _tag: "PathTaken" }
        return outcomes.issue ?? { _tag: "Issued", key: aKey(0, fields), now: NOW }
      }),
      find: port("findKey", keyAt),
      list: port("listKeys", () => pageOf([...keys.values()])),
      count: port("countKeys", () => keys.size),
      change: port("change", (id): ChangeOutcome => {
        if (outcomes.change !== null) return outcomes.change
        return Option.match(keyAt(id), {
          onNone: (): ChangeOutcome => ({ _tag: "NotFound" }),
          onSome: (at): ChangeOutcome => ({ _tag: "Changed", ...at })
        })
      }),
      revoke: port("revoke", (id) => {
        const key = keys.get(id)
        if (key !== undefined) keys.set(id, { ...key, revokedAt: key.revokedAt ?? NOW })
        return keyAt(id)
      }),
      rotate: port("rotate", (id, successor): RotateOutcome => {
        if (outcomes.rotate !== null) return outcomes.rotate
        const { overlapSeconds, hash: _, ...fields } = successor
        const old = keys.get(id)
        if (old === undefined) return { _tag: "NotFound" }
        keys.set(id, {
          ...old,
          ...(overlapSeconds === 0 ? { revokedAt: NOW } : { revokesAt: NOW }),
          rotatedTo: fields.id
        })
        return { _tag: "Rotated", key: { ...old, ...fields, rotatedFrom: old.id }, now: NOW }
      }),
      block: port("block", (id) => keys.has(id))
    }),
    streams: Streams.of({
      list: port("listStreams", () => pageOf([...streams.values()])),
      count: port("countStreams", () => streams.size),
      // Everything has changed since any version but the present one.
      listSince: port("listSince", (_filter, _page, since) => ({
        ...pageOf(
          [...streams.values()].map((stream) => ({ id: stream.id, stream: since === VERSION ? null : stream }))
        ),
        version: VERSION
      })),
      version: Effect.sync(() => ({ version: VERSION, now: NOW })),
      find: port("findStream", details),
      annotate: port("annotate", (id, annotation) => {
        const stream = streams.get(id)
        if (stream !== undefined) streams.set(id, { ...stream, ...annotation })
        return details(id)
      }),
      events: port("events", () => events),
      unendedOf: port("unendedOf", (owner) =>
        [...stage.rows.values()]
          .filter((row) => row.state._tag !== "Inactive")
          .filter((row) => !("streamKeyId" in owner) || row.streamKeyId === owner.streamKeyId)
          .map((row) => row.streamId)
      )
    }),
    broadcasters: Broadcasters.of({
      create: port("create", (id, fields) => ({ ...aBroadcaster(0), id, ...fields })),
      upsert: port("upsert", (id, externalId, fields) => ({ ...aBroadcaster(0), id, externalId, ...fields })),
      findByExternalId: port("findByExternalId", (externalId) =>
        Option.fromNullishOr([...broadcasters.values()].find((one) => one.externalId === externalId))
      ),
      find: port("findBroadcaster", (id) => Option.fromNullishOr(broadcasters.get(id))),
      list: port("listBroadcasters", () => pageOf([...broadcasters.values()])),
      count: Effect.sync(() => broadcasters.size),
      change: port("changeBroadcaster", (id, fields) =>
        Option.map(Option.fromNullishOr(broadcasters.get(id)), (one) => ({ ...one, ...fields }))
      ),
      remove: port("remove", (id) => broadcasters.delete(id))
    })
  })).pipe(Layer.provideMerge(stage.layer))
  return {
    layer,
    keys,
    streams,
    broadcasters,
    asked,
    outcomes,
    /** The next `count` keys are asked for on paths of others. */
    takenFor: (count: number) => {
      taken = count
    },
    history: (written: ReadonlyArray<StreamEvent>) => {
      events = written
    },
    /** The names of the questions, in order. */
    questions: (): ReadonlyArray<string> => asked.map(([name]) => name)
  }
}
