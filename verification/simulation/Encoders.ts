/**
 * The clients of the media server: encoders that connect, leave, die, pause and come back, strangers whom nobody was asked about, and
 * readers. What they do is told to the media server alone; Greenroom hears of it from there.
 */
import type { Protocol } from "@greenroom/core"
import { World } from "@greenroom/mediamtx-simulator"
import type { Rng } from "../worlds/Rng.ts"
import type { PublishQuestion } from "./AuthEndpoint.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import type { MediaHost } from "./MediaHost.ts"
import { type KeyInHand, type Member, uuidOf } from "./Scenario.ts"
import type { Connect, Guise, Setting } from "./Step.ts"

export interface EncodersOptions {
  readonly kernel: Kernel
  readonly rng: Rng
  readonly counts: Counts
  readonly host: MediaHost
  readonly scenario: ReadonlyArray<Member>
  readonly setting: Setting
}

const comesBackAfter = new Set<World.CloseReason>(["kicked", "server_down", "evicted", "timed_out", "path_closed"])

const isRtsp = ({ protocol }: World.Connection) => protocol === "rtsp" || protocol === "rtsps"
const isRecording = (connection: World.Connection) => isRtsp(connection) && connection.phase._tag === "Publishing"
const mayRecord = (connection: World.Connection) =>
  isRtsp(connection) &&
  (connection.phase._tag === "Paused" || (connection.phase._tag === "Preparing" && connection.phase.readyAt === null))

export const makeEncoders = ({ kernel, rng, counts, host, scenario, setting }: EncodersOptions) => {
  /** Connections by place, the last one last; a connection that is gone stays until somebody looks. */
  const connections = scenario.map((): Array<string> => [])
  const owners = new Map<string, number>()
  const lastQuestion = scenario.map((): PublishQuestion | null => null)
  /** The last one of each place that has gone. */
  const formers = new Map<number, string>()
  const strangers = new Set<string>()
  let connected = 0
  let persistent = true

  const member = (who: number): Member => scenario[who % scenario.length]!
  const another = (who: number): Member => member(who + 1)

  const present = (guise: Guise, who: number): { readonly path: string; readonly key: KeyInHand["value"] | null } => {
    const { path, key } = member(who)
    switch (guise) {
      case "itself":
        return { path, key: key.value }
      case "with_anothers_key":
        return { path, key: another(who).key.value }
      case "on_anothers_path":
        return { path: another(who).path, key: key.value }
      case "on_a_bad_path":
        return { path: `live//${who}`, key: key.value }
      case "with_an_unknown_key":
        return { path, key: `sk_${"unknown".repeat(7).slice(0, 43)}` }
      case "with_no_key":
        return { path, key: null }
      case "with_its_key_in_the_path":
        return { path: `live/${key.value}`, key: key.value }
    }
  }

  const newId = (): string => uuidOf(0xd, ++connected)
  const own = (id: string, who: number) => {
    const place = who % scenario.length
    owners.set(id, place)
    connections[place]!.push(id)
  }
  /** The newest connection of this place that the media server still has. */
  const currentOf = (who: number): string | undefined => {
    const ids = connections[who % scenario.length]!
    const { connections: listed } = host.world()
    while (ids.length > 0 && !listed.has(ids.at(-1)!)) ids.pop()
    return ids.at(-1)
  }
  const withCurrent = (who: number, act: (id: string) => void) => {
    const id = currentOf(who)
    if (id !== undefined) act(id)
  }

  const withOne = (
    which: number,
    is: (connection: World.Connection) => boolean,
    act: (id: string, connection: World.Connection) => void
  ) => {
    const those = [...host.world().connections.values()].filter(is)
    const one = those[which % Math.max(those.length, 1)]
    if (one !== undefined) act(one.id, one)
  }

  const connect = ({ who, protocol, guise, readyAfter }: Omit<Connect, "_tag">) => {
    const id = newId()
    const { path, key } = present(guise, who)
    const question: PublishQuestion = { id, path, protocol, key }
    const pace = readyAfter === null ? {} : { readyAfter: readyAfter === "never" ? null : readyAfter }
    if (readyAfter === "never")
      counts.fault(protocol.startsWith("rtsp") ? "RTSP announce and stall" : "handshake never finished")
    if (protocol === "webrtc") counts.fault("WebRTC listed before it is established")
    lastQuestion[who % scenario.length] = question
    if (host.connect({ id, protocol, action: "publish", path, query: "", user: "", tracks: [], ...pace }, question))
      own(id, who)
  }
  const comeBack = (who: number, within: number) => {
    kernel.after(within, () => {
      if (!persistent || currentOf(who) !== undefined) return
      connect({ who, protocol: rng.pick(setting.protocols), guise: "itself", readyAfter: null })
    })
  }

  const strangersPath = (who: number, where: "own" | "stray" | "key"): string => {
    const { path, key, index } = member(who)
    return where === "own" ? path : where === "stray" ? `stray/${index}` : `live/${key.value}`
  }
  const stranger = (who: number, protocol: Protocol, path: string) => {
    const id = newId()
    if (!host.connect({ id, protocol, action: "publish", path, query: "", user: "", tracks: [] }, "unasked")) return
    counts.fault("publisher that nobody admitted")
    strangers.add(id)
    own(id, who)
    lastQuestion[who % scenario.length] = { id, path, protocol, key: member(who).key.value }
  }

  return {
    connect,
    currentOf,
    formerOf: (who: number): string | undefined => formers.get(who % scenario.length),
    lastQuestion: (who: number): PublishQuestion | null => lastQuestion[who % scenario.length]!,
    isStranger: (id: string) => strangers.has(id),
    /** A place that has no connection. */
    absent: (is: (member: Member) => boolean): Member | undefined => {
      const those = scenario.filter((place) => currentOf(place.index) === undefined && is(place))
      return those.length === 0 ? undefined : rng.pick(those)
    },
    /** Comes as itself; its connection's id. */
    comes: ({ index }: Member): string | undefined => {
      connect({ who: index, protocol: rng.pick(setting.protocols), guise: "itself", readyAfter: null })
      return currentOf(index)
    },
    allConnect: (within: number) => {
      for (let who = 0; who < scenario.length; who++)
        if (currentOf(who) === undefined) comeBack(who, rng.below(within + 1))
    },
    leave: (who: number) => withCurrent(who, (id) => host.change((world, now) => World.close(world, now, id, "left"))),
    die: (who: number) =>
      withCurrent(who, (id) => {
        counts.fault("encoder killed")
        host.change((world, now) => World.kill(world, now, id))
      }),
    freeze: (who: number, millis: number) =>
      withCurrent(who, (id) => {
        counts.fault("encoder frozen")
        host.change((world, now) => World.freeze(world, now, id))
        kernel.after(millis, () => host.change((world, now) => World.thaw(world, now, id)))
      }),
    /** One of those that can: an RTSP publisher. */
    pause: (which: number) =>
      withOne(which, isRecording, (id) => {
        counts.fault("RTSP pause")
        host.change((world, now) => World.pause(world, now, id))
      }),
    /** One of those that can: an RTSP publisher in its pause, or one that has announced. */
    record: (which: number) =>
      withOne(which, mayRecord, (id, { phase }) => {
        counts.fault(phase._tag === "Paused" ? "RTSP record after a pause" : "RTSP record after a stall")
        host.change((world, now) => World.record(world, now, id))
      }),
    stranger: (who: number, protocol: Protocol, where: "own" | "stray" | "key") =>
      stranger(who, protocol, strangersPath(who, where)),
    /** Each on a path of its own. */
    crowd: (who: number, protocol: Protocol, count: number) => {
      counts.fault("crowd of publishers that nobody admitted")
      for (let index = 0; index < count; index++) stranger(who, protocol, `crowd/${who}/${index}`)
    },
    reader: (who: number, protocol: Protocol) => {
      const { path } = member(who)
      host.connect({ id: newId(), protocol, action: "read", path, query: "", user: "", tracks: [] }, "unasked")
      counts.fault("reader beside the publishers")
    },
    /** Publishers come to the paths that wait for one, and to no others. */
    ownPath: (who: number, source: World.OwnSource, millis: number) => {
      counts.fault(`path of the media server's own: ${source}`)
      host.own(source === "pulled" || source === "redirect" ? `own/${who}` : member(who).path, source, millis)
    },
    /** Whoever was sent away comes back, if that is its way. */
    closed: (id: string, reason: World.CloseReason) => {
      const who = owners.get(id)
      owners.delete(id)
      if (who !== undefined) formers.set(who, id)
      if (who === undefined || !persistent || !comesBackAfter.has(reason) || strangers.has(id)) return
      if (rng.below(100) < setting.persistence) comeBack(who, rng.between(20, 1_500))
    },
    /** Nobody comes back by itself, and whoever stood still goes on: no viewers, who may look away for as long as they like. */
    calm: () => {
      persistent = false
      host.change((world, now) =>
        [...world.connections.values()].reduce(
          (next, { id, action, silentSince }) =>
            silentSince === null || action === "read" ? next : World.thaw(next, now, id),
          world
        )
      )
    },
    excite: () => {
      persistent = true
    }
  }
}

export type Encoders = ReturnType<typeof makeEncoders>
