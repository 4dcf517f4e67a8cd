/** What each step of a schedule does: who is told of it. Whatever it means is theirs. */
import type { Member } from "./Cast.ts"
import type { Counts } from "./Counts.ts"
import type { Ask } from "./Door.ts"
import type { Encoders } from "./Encoders.ts"
import type { Fleet } from "./Fleet.ts"
import type { Hooks } from "./Hooks.ts"
import type { Invariants } from "./Invariants.ts"
import type { MediaHost } from "./MediaHost.ts"
import type { Operators } from "./Operators.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Step } from "./Step.ts"

export interface Stage {
  readonly counts: Counts
  readonly store: SimulatedStore
  readonly host: MediaHost
  readonly fleet: Fleet
  readonly encoders: Encoders
  readonly hooks: Hooks
  readonly operators: Operators
  readonly invariants: Invariants
  readonly cast: ReadonlyArray<Member>
  readonly ask: Ask
  readonly lull: (revive: "all" | "one") => void
}

export const makeSteps = (stage: Stage) => {
  const { counts, store, host, fleet, encoders, hooks, operators, invariants, cast, ask } = stage

  const authAgain = (who: number) => {
    const question = encoders.lastQuestion(who)
    if (question === null) return
    counts.fault("auth call copied, late")
    invariants.askedAnyTime(question.id)
    ask({ ...question, key: cast[who % cast.length]!.key.value }, () => {})
  }

  const forgeHook = ({ who, event, about, ownPath }: Extract<Step, { _tag: "ForgedHook" }>) => {
    const source =
      about === "present" ? encoders.currentOf(who) : about === "former" ? encoders.formerOf(who) : "nobody"
    const { path } = cast[(who + (ownPath ? 0 : 1)) % cast.length]!
    if (source !== undefined) hooks.forge({ event, path, source }, about)
  }

  return (step: Step): unknown => {
    switch (step._tag) {
      case "Connect":
        return encoders.connect(step)
      case "AllConnect":
        return encoders.allConnect(step.within)
      case "Leave":
        return encoders.leave(step.who)
      case "EncoderDies":
        return encoders.die(step.who)
      case "EncoderFreezes":
        return encoders.freeze(step.who, step.for)
      case "Pause":
        return encoders.pause(step.who)
      case "Record":
        return encoders.record(step.who)
      case "Stranger":
        return encoders.stranger(step.who, step.protocol, step.path)
      case "Crowd":
        return encoders.crowd(step.who, step.protocol, step.count)
      case "Reader":
        return encoders.reader(step.who, step.protocol)
      case "OwnPath":
        return encoders.ownPath(step.who, step.source, step.for)
      case "AuthAgain":
        return authAgain(step.who)
      case "ForgedHook":
        return forgeHook(step)
      case "MediaServerRestarts":
        return step.inCalls === 0
          ? host.restart(step.by, step.downFor)
          : host.restartIn(step.inCalls, step.by, step.downFor)
      case "MediaServerFreezes":
        return host.freeze(step.for)
      case "MediaServerSlow":
        return host.slow(step.by, step.for)
      case "MediaServerErrs":
        return host.err({ family: step.family, answer: step.answer }, step.for)
      case "InstanceKilled":
        return fleet.kill(step)
      case "InstanceFrozen":
        return fleet.freeze(step)
      case "ClockSet":
        return fleet.setClock(step)
      case "InstanceTerminated":
        return fleet.terminate(step)
      case "StoreStops":
        return store.stop(step.for)
      case "StoreFreezes":
        return store.freeze(step.for)
      case "StoreSlow":
        return store.slow(step.by, step.for)
      case "StoreConnectionsKilled":
        return store.killConnections()
      case "CommitsFail":
        return store.failCommits(step.count)
      case "AnswersLost":
        return store.loseAnswers(step.count, step.silent)
      case "Revoke":
        return operators.revoke(step)
      case "Disable":
        return operators.disable(step)
      case "Expire":
        return operators.expire(step)
      case "DeleteBroadcaster":
        return operators.deleteBroadcaster(step)
      case "StopStream":
        return operators.stopStream(step)
      case "ForceStop":
        return operators.forceStop(step)
      case "Enforce":
        return operators.enforce(step)
      case "NewKey":
        return operators.newKey(step)
      case "EndedByHand":
        return operators.endByHand(step.who)
      case "Lull":
        return stage.lull(step.revive)
    }
  }
}
