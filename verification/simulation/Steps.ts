/** What each step of a schedule does: who is told of it. Whatever it means is theirs. */

import type { Ask } from "./AuthEndpoint.ts"
import type { Cluster } from "./Cluster.ts"
import type { Counts } from "./Counts.ts"
import type { Encoders } from "./Encoders.ts"
import type { Hooks } from "./Hooks.ts"
import type { Invariants } from "./Invariants.ts"
import type { MediaHost } from "./MediaHost.ts"
import type { Operators } from "./Operators.ts"
import type { PlaybackOperators } from "./PlaybackOperators.ts"
import type { Players } from "./Players.ts"
import type { Member } from "./Scenario.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Step } from "./Step.ts"

export interface Stage {
  readonly counts: Counts
  readonly store: SimulatedStore
  readonly host: MediaHost
  readonly cluster: Cluster
  readonly encoders: Encoders
  readonly hooks: Hooks
  readonly operators: Operators
  readonly players: Players
  readonly playback: PlaybackOperators
  readonly invariants: Invariants
  readonly scenario: ReadonlyArray<Member>
  readonly ask: Ask
  readonly quietPeriod: (revive: "all" | "one") => void
}

export const makeSteps = (stage: Stage) => {
  const { counts, store, host, cluster, encoders, hooks, operators, players, playback, invariants, scenario, ask } =
    stage

  const authAgain = (who: number) => {
    const question = encoders.lastQuestion(who)
    if (question === null) return
    counts.fault("auth call copied, late")
    invariants.askedAnyTime(question.id)
    ask({ ...question, key: scenario[who % scenario.length]!.key.value }, () => {})
  }

  const forgeHook = ({ who, event, about, ownPath }: Extract<Step, { _tag: "ForgedHook" }>) => {
    const source =
      about === "present" ? encoders.currentOf(who) : about === "former" ? encoders.formerOf(who) : "nobody"
    const { path } = scenario[(who + (ownPath ? 0 : 1)) % scenario.length]!
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
        return cluster.kill(step)
      case "InstanceFrozen":
        return cluster.freeze(step)
      case "ClockSet":
        return cluster.setClock(step)
      case "InstanceTerminated":
        return cluster.terminate(step)
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
      case "Rotate":
        return operators.rotate(step)
      case "StopAndBlock":
        return operators.stopAndBlock(step)
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
      case "Watch":
        return players.watch(step)
      case "StopWatching":
        return players.leave(step.viewer)
      case "PlayerDies":
        return players.die(step.viewer)
      case "PlayerIdles":
        return players.idle(step.viewer, step.for)
      case "IssueToken":
        return playback.issue(step)
      case "RevokeToken":
        return playback.revokeToken(step)
      case "RevokeViewer":
        return playback.revokeViewer(step)
      case "SetPlayback":
        return playback.setPlayback(step)
      case "RotateSigningKey":
        return playback.rotateKey(step)
      case "RemoveSigningKey":
        return playback.removeKey(step)
      case "KickViewer":
        return playback.kick(step)
      case "QuietPeriod":
        return stage.quietPeriod(step.revive)
    }
  }
}
