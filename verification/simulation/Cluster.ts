/**
 * The instances of Greenroom that share the store, and what stands in front of them: a balancer that sends each call to one that is
 * there, not knowing whether it is awake. Instances die, freeze, end gracefully and come back under new names.
 */
import { inspect } from "node:util"
import type { KeyGenerator, TokenSigner } from "@greenroom/core"
import { Logger, References } from "effect"
import type { Rng } from "../worlds/Rng.ts"
import type { Question } from "./AuthEndpoint.ts"
import type { Bug } from "./bugs/Bug.ts"
import type { Counts } from "./Counts.ts"
import type { HookCall } from "./Hooks.ts"
import { type Instance, startInstance } from "./Instance.ts"
import type { Invariants } from "./Invariants.ts"
import type { Kernel } from "./Kernel.ts"
import type { MediaHost } from "./MediaHost.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Action, Setting } from "./Step.ts"
import type { ViewerInvariants } from "./ViewerInvariants.ts"

type Does<T extends Action["_tag"]> = Extract<Action, { readonly _tag: T }>

export interface ClusterOptions {
  readonly kernel: Kernel
  readonly counts: Counts
  readonly store: SimulatedStore
  readonly host: MediaHost
  readonly mint: KeyGenerator["Service"]
  readonly signer: TokenSigner["Service"]
  readonly setting: Setting
  readonly bug: Bug | null
  readonly rng: Rng
  readonly invariants: Invariants
  readonly viewers: () => ViewerInvariants
  readonly note: (line: () => string) => void
}

/** All of it: a key deep in a cause is in the log, too. */
const textOf = (said: unknown): string => (typeof said === "object" ? inspect(said, { depth: 6 }) : String(said))

/** What a clock said until it was set may still count for so long. */
const CLOCK_COUNTS_MS = 20_000

export const makeCluster = ({
  kernel,
  counts,
  store,
  host,
  mint,
  signer,
  setting,
  bug,
  rng,
  invariants,
  viewers,
  note
}: ClusterOptions) => {
  const instances: Array<Instance | null> = setting.clocks.map(() => null)
  /** How far the clock of each machine is off. */
  const ahead = [...setting.clocks]
  /** What each clock was until it was set last. */
  const aheadBefore = setting.clocks.map((millis) => ({ millis, until: Number.NEGATIVE_INFINITY }))
  const ledBefore = new Map<number, string>()
  let started = 0
  let leader: string | null = null
  /** While faults are stopped nobody comes back late. */
  let calm = false
  let kept = -1
  /** How long an instance that dies stays down. */
  const downFor = setting.clocks.map(() => 1_000)

  const logger = Logger.make<unknown, void>(({ message, fiber }) => {
    const annotations = fiber.getRef(References.CurrentLogAnnotations)
    const text = [message, ...Object.values(annotations)].flat().map(textOf).join(" ")
    note(() => `  log: ${text}`)
    invariants.said("the log", text)
    const source = annotations.source_id
    if (typeof source === "string" && text.includes("only reported")) invariants.reported(source)
    if (text.includes("mass-kick limit")) counts.fault("publishers held back by the mass-kick limit")
    if (text.includes("a defect in")) invariants.fails("defect", `${text}`)
  })

  const at = (index: number) => index % instances.length
  const start = (index: number) => {
    if (instances[index]?.isAlive()) return
    const name = `${index}.${++started}`
    if (ahead[index] !== 0) counts.fault("clock of an instance apart")
    const instance: Instance = startInstance({
      kernel,
      counts,
      store,
      host,
      mint,
      signer,
      logger,
      bug,
      policy: {
        holder: name,
        unauthorized: setting.unauthorized,
        massKickLimit: setting.massKickLimit,
        enforce: false
      },
      onDuplicate: setting.onDuplicate,
      playback: setting.playback,
      controlApi: setting.controlApi,
      clockAhead: () => ahead[index]!,
      called: watchLeader,
      strikes: (strike) => {
        if (strike.by === "cure" && strike.source !== null) counts.fault("path cured of a ghost")
        note(() => `  media server: ${strike.by} of ${strike.source ?? "nobody"} on ${strike.path} by ${name}`)
        invariants.strikes(strike, name)
      },
      viewerKicked: (id, orderedAt) => {
        note(() => `  media server: kick of the viewer ${id} by ${name}`)
        viewers().kicked(id, name, orderedAt)
      },
      looked: (look, pathsReadAt) => invariants.looked(name, look, pathsReadAt),
      mayKickStrangers: () => invariants.mayKickStrangers(name),
      usurped: (what) => invariants.fails("lease", `${name} ordered ${what} without holding the lease`),
      undecided: invariants.unanswered,
      decided: (question, decision) => viewers().answered(name, question, decision),
      overdue: (what, millis) => invariants.fails("time", `${what} took ${millis} ms at ${name}`),
      died: () => {
        note(() => `  ${name} is dead`)
        restart(index)
      },
      froze: (millis) => {
        counts.fault("instance frozen")
        note(() => `  ${name} is frozen`)
        kernel.after(millis, () => thaw(index, instance))
      }
    })
    instances[index] = instance
    note(() => `  ${name} starts`)
  }
  const thaw = (index: number, instance: Instance) => {
    if (!instance.isFrozen() || !instance.isAlive()) return
    const holder = store.state.leases.get("main")?.holder
    if (ledBefore.get(index) === instance.name && holder !== instance.name) counts.fault("old leader resumed")
    note(() => `  ${instance.name} goes on`)
    invariants.thawed(instance.name)
    instance.thaw()
  }
  const watchLeader = () => {
    const holder = store.state.leases.get("main")?.holder
    if (holder === undefined || holder === leader) return
    if (leader !== null) counts.fault("lease taken over")
    leader = holder
    ledBefore.set(Number(holder.split(".")[0]), holder)
  }
  const restart = (index: number) => {
    kernel.after(downFor[index]!, () => {
      if (!calm || index === kept) start(index)
    })
  }

  const there = () => instances.filter((instance) => instance?.isAlive() === true) as ReadonlyArray<Instance>
  const any = (): Instance | undefined => {
    const those = there()
    return those.length === 0 ? undefined : rng.pick(those)
  }

  return {
    startAll: () => {
      for (let index = 0; index < instances.length; index++) start(index)
    },
    /** The instance, if it is well; else any that is. */
    well: (index: number): Instance | undefined => {
      const those = there().filter((instance) => instance.isWell())
      const asked = instances[at(index)]
      return asked?.isWell() ? asked : those[0]
    },
    anyWell: (): Instance | undefined => {
      const those = there().filter((instance) => instance.isWell())
      return those.length === 0 ? undefined : rng.pick(those)
    },
    /** How far its clock is off, and was a moment ago. */
    clocksOf: (name: string): ReadonlyArray<number> => {
      const index = Number(name.split(".")[0])
      const { millis, until } = aheadBefore[index]!
      return until >= kernel.now() - CLOCK_COUNTS_MS ? [ahead[index]!, millis] : [ahead[index]!]
    },
    awakeSince: (time: number): ReadonlyArray<string> =>
      there().flatMap((instance) => (instance.wasAwakeSince(time) ? [instance.name] : [])),
    alive: (): ReadonlyArray<string> => there().map(({ name }) => name),
    hook: (call: HookCall) => any()?.hook(call),
    authenticate: (question: Question, answer: Parameters<Instance["authenticate"]>[1]): (() => void) => {
      const instance = any()
      if (instance === undefined) {
        kernel.after(1, () => answer("broken"))
        return () => {}
      }
      let abort = () => {}
      let given = false
      kernel.after(1 + rng.below(setting.distance + 1), () => {
        if (given) return
        abort = instance.authenticate(question, (decision) => {
          if (given || decision === "broken") invariants.unanswered(question.id)
          if (typeof decision !== "string") invariants.said("an answer of /auth", JSON.stringify(decision))
          if (given) counts.fault("auth answered after the media server gave up")
          else kernel.after(rng.below(setting.distance + 1), () => answer(decision))
        })
      })
      const hears = rng.chance(0.5)
      return () => {
        given = true
        invariants.unanswered(question.id)
        // A service hears of a caller that is gone, or it does not.
        if (hears) abort()
      }
    },
    kill: ({ instance: index, inCalls, sent, downFor: millis }: Does<"InstanceKilled">) => {
      const instance = instances[at(index)]
      downFor[at(index)] = millis
      if (inCalls === 0) instance?.die()
      else instance?.plannedCrash({ _tag: "Dies", calls: inCalls, sent })
    },
    freeze: ({ instance: index, inCalls, for: millis }: Does<"InstanceFrozen">) => {
      const instance = instances[at(index)]
      if (inCalls === 0) instance?.freeze(millis)
      else instance?.plannedCrash({ _tag: "Freezes", calls: inCalls, millis })
    },
    /** The clock of its machine is set, whether or not it runs. */
    setClock: ({ instance: index, by }: Does<"ClockSet">) => {
      counts.fault(by > 0 ? "clock set forward" : "clock set back")
      aheadBefore[at(index)] = { millis: ahead[at(index)]!, until: kernel.now() }
      ahead[at(index)]! += by
    },
    terminate: ({ instance: index, downFor: millis }: Does<"InstanceTerminated">) => {
      downFor[at(index)] = millis
      instances[at(index)]?.terminate()
    },
    repair: (revive: "all" | "one") => {
      calm = true
      for (const instance of instances) instance?.cancelCrash()
      const wellIndex = instances.findIndex((instance) => instance?.isWell() === true)
      const aliveIndex = instances.findIndex((instance) => instance?.isAlive() === true)
      kept = wellIndex >= 0 ? wellIndex : Math.max(aliveIndex, 0)
      for (const [index, instance] of instances.entries()) {
        if (revive === "all" || index === kept) {
          if (instance !== null) thaw(index, instance)
          start(index)
        } else if (instance?.isFrozen() === true) instance.die()
      }
    },
    loosen: () => {
      calm = false
      for (let index = 0; index < instances.length; index++) if (!instances[index]?.isAlive()) restart(index)
    }
  }
}

export type Cluster = ReturnType<typeof makeCluster>
