/**
 * MediaMTX's control API in a simulation: what the simulator answers, after the time that calls take on their way, where the real ones wait
 * (the list of paths and changes of the configuration in the queue of the auth endpoint, calls about RTSP and HLS sessions while such a client is being
 * asked about), and with faults: errors, halves of lists, slowness, the end of the process.
 */
import type { MediaMtxCall, Reply } from "@greenroom/adapters/mediamtx"
import { protocols, type ViewerProtocol } from "@greenroom/core"
import { SimulatorApi, type VersionFacts, type World } from "@greenroom/mediamtx-simulator"
import type { Rng } from "../worlds/Rng.ts"
import type { AuthEndpoint } from "./AuthEndpoint.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import { type Family, familyOfViewer, type WrongAnswer } from "./Step.ts"

export interface ControlCall {
  readonly call: MediaMtxCall
  /** Whose it is, and whether that one still waits for it. */
  readonly by: string
  readonly isAwaited: () => boolean
  /** At the moment at which it runs inside MediaMTX. */
  readonly executed: (route: SimulatorApi.ApiRoute, world: World.World) => void
  /** `null`: the connection broke. */
  readonly answered: (reply: Reply | null) => void
}

export interface Inside extends Pick<ControlCall, "by" | "isAwaited"> {
  readonly kicks: boolean
}

export interface Trouble {
  readonly family: Family | "all"
  readonly answer: WrongAnswer
}

const wrongReplies: { readonly [A in Exclude<WrongAnswer, "half a list">]: Reply | null } = {
  "401": { status: 401, body: null },
  // Of something before it, which is neither its own nor its router's.
  "404": { status: 404, body: "<html>not found</html>" },
  "500": { status: 500, body: null },
  garbage: { status: 200, body: "<html>welcome</html>" },
  "no answer": null
}

/** Half of the items, counted whole; also of an empty list. */
const halved = ({ status, body }: Reply): Reply => {
  if (typeof body !== "object" || body === null || !("items" in body)) return { status, body }
  const items = body.items as ReadonlyArray<unknown>
  return { status, body: { ...body, itemCount: items.length + 1, items: items.slice(0, items.length >> 1) } }
}

/** MediaMTX says that a password is wrong after up to so long. */
const REFUSED_WITHIN_MS = 4_000

const configured = { readTimeout: "4s", rtspTransports: ["tcp"], protocols: ["tcp"] }
const noQuery = new URLSearchParams()
const onePage = new URLSearchParams("itemsPerPage=1000000")

export interface ControlApiOptions {
  readonly kernel: Kernel
  readonly rng: Rng
  readonly counts: Counts
  readonly authEndpoint: AuthEndpoint
  readonly facts: VersionFacts
  readonly world: () => World.World
  readonly change: (step: (world: World.World, now: number) => World.World) => void
  readonly kick: (id: string, protocol: ViewerProtocol) => void
  readonly awake: (run: () => void) => void
  /** Told when a call has arrived. */
  readonly arrived: () => void
  /** Told when a kick of an RTSP session meets another call about such sessions, which may crash MediaMTX. */
  readonly met: (one: Inside, other: Inside) => void
}

export const makeControlApi = (options: ControlApiOptions) => {
  const { kernel, rng, counts, authEndpoint, facts, world, awake, arrived, met } = options
  const server: SimulatorApi.ApiServer = {
    facts,
    isOn: (protocol) => protocol !== "moq" || facts.moq,
    configured,
    items: "essential"
  }
  let slowBy = 0
  let troubledUntil = Number.NEGATIVE_INFINITY
  let trouble: Trouble | null = null
  /** The calls about RTSP sessions that are inside, by the list that they are about. */
  const inside = new Map(([...protocols, "hls"] as const).map((protocol) => [protocol, new Set<Inside>()]))
  const open = new Set<() => void>()

  const troubleOf = (route: SimulatorApi.ApiRoute): Trouble | null => {
    if (trouble === null) return null
    const family = route._tag === "List" ? familyOfViewer(route.protocol) : null
    const isMeant = trouble.family === "all" || trouble.family === family
    return isMeant && !(route._tag === "Info" && trouble.answer === "half a list") ? trouble : null
  }

  const run = (route: SimulatorApi.ApiRoute, { call, executed }: ControlCall): Reply => {
    const query = call.rest?.startsWith("?") === true ? onePage : noQuery
    const body = call.body === undefined ? "" : JSON.stringify(call.body)
    const { reply, change } = SimulatorApi.replyTo(server, route, { query, body }, world(), kernel.now())
    if (change === undefined) return reply
    executed(route, world())
    if (route._tag === "List") options.kick(route.id, route.protocol)
    else options.change(change)
    return reply
  }

  /** Of calls without an id. */
  const routes = new Map<string, SimulatorApi.ApiRoute>()
  const routeOf = ({ method, route: name, rest = "" }: MediaMtxCall): SimulatorApi.ApiRoute => {
    if (rest !== "" && !rest.startsWith("?"))
      return SimulatorApi.routeOf(method, name + decodeURIComponent(rest), server)
    const known = routes.get(name) ?? SimulatorApi.routeOf(method, name, server)
    routes.set(name, known)
    return known
  }

  const send = (self: ControlCall): void => {
    const route = routeOf(self.call)
    const kicks = route._tag === "List" && route.verb === "kick"
    const isInside: Inside = { by: self.by, isAwaited: self.isAwaited, kicks }
    let over = false
    const reply = (answer: Reply | null, after: number) => {
      if (over) return
      over = true
      open.delete(fail)
      if (route._tag === "List") inside.get(route.protocol)!.delete(isInside)
      kernel.after(after, () => self.answered(answer))
    }
    const fail = () => reply(null, 1)
    const execute = () => {
      if (over) return
      const wrong = troubleOf(route)
      if (wrong !== null) counts.fault(`media server answers: ${wrong.answer}`)
      if (wrong !== null && wrong.answer !== "half a list") {
        const after = wrong.answer === "401" ? rng.below(REFUSED_WITHIN_MS) : rng.below(3)
        return reply(wrongReplies[wrong.answer], after + rng.next() * slowBy)
      }
      if (kicks && !self.isAwaited()) counts.fault("kick executed after its caller had given up")
      const answer = run(route, self)
      reply(wrong === null ? answer : halved(answer), rng.below(3) + rng.next() * slowBy)
    }
    const begin = () => {
      if (over) return
      const wait = SimulatorApi.waitOf(route)
      if (wait === "paths" || (route._tag === "PathConfiguration" && route.verb !== "get")) {
        return authEndpoint.enter((leave) => {
          execute()
          leave()
        })
      }
      if (wait === "hls") return authEndpoint.whenAnswers("hls", execute)
      if (wait !== "rtsp" || route._tag !== "List") return execute()
      const others = inside.get(route.protocol)!
      const inTheWay = [...others].find((other) => other.kicks || kicks)
      if (inTheWay !== undefined) met(isInside, inTheWay)
      if (over) return
      others.add(isInside)
      authEndpoint.whenAnswers("rtsp", execute)
    }
    kernel.after(1 + rng.below(4) + rng.next() * slowBy, () => {
      if (!world().up) return fail()
      open.add(fail)
      awake(begin)
      arrived()
    })
  }

  return {
    send,
    slow: (by: number, millis: number) => {
      counts.fault("media server slow")
      slowBy = by
      troubledUntil = Math.max(troubledUntil, kernel.now() + millis)
      kernel.after(millis, () => {
        slowBy = 0
      })
    },
    err: (next: Trouble, millis: number) => {
      trouble = next
      troubledUntil = Math.max(troubledUntil, kernel.now() + millis)
      kernel.after(millis, () => {
        if (trouble === next) trouble = null
      })
    },
    wasWellSince: (time: number) => troubledUntil < time,
    repair: () => {
      troubledUntil = Math.min(troubledUntil, kernel.now())
      trouble = null
      slowBy = 0
    },
    /** The process has ended: connections break. */
    reset: () => {
      for (const fail of [...open]) fail()
      for (const calls of inside.values()) calls.clear()
    }
  }
}

export type ControlApi = ReturnType<typeof makeControlApi>
