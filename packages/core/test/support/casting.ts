/** `planReconciliation` on a scene, and who of its cast is such a one that a rule speaks of. */
import { saysPublishEarly } from "@greenroom/core"
import { type Actor, type Scene, sourceOf } from "@greenroom/testing/arbitraries"
import type { Command } from "../../src/domain/reconciliation/Command.ts"
import { planReconciliation } from "../../src/domain/reconciliation/planReconciliation.ts"
import { NOW, streamId } from "./arbitraries.ts"

export const run = ({ policy, asksUs, s1, look, s2, memory }: Scene) =>
  planReconciliation({ ...policy, asksUs }, s1, look, s2, memory)
export const only = <T extends Command["_tag"]>(commands: ReadonlyArray<Command>, tag: T) =>
  commands.filter((command): command is Extract<Command, { _tag: T }> => command._tag === tag)
export const those = (scene: Scene, is: (actor: Actor) => boolean): ReadonlyArray<number> =>
  scene.cast.flatMap((actor, index) => (is(actor) ? [index] : []))
export const sources = (scene: Scene, is: (actor: Actor) => boolean) => those(scene, is).map(sourceOf)
export const streams = (scene: Scene, is: (actor: Actor) => boolean) => those(scene, is).map(streamId)

export const unended = (actor: Actor) => actor.stored === "both" || actor.stored === "during"
export const seen = (actor: Actor) => actor.listed !== "no" || actor.path !== "no"
export const kickable = (actor: Actor) =>
  actor.listed !== "no" && (!saysPublishEarly(actor.protocol) || actor.established)
export const stranger = (actor: Actor) => actor.listed === "publish" && kickable(actor) && !unended(actor)
export const former = (actor: Actor) => actor.stored === "ended" || actor.stored === "before"
/** Neither active nor kicked yet, and not seen by the pass before. */
export const newcomer = (actor: Actor) => !actor.active && actor.ending?.kicked !== true && !actor.appearedBefore
export const rtsp = (actor: Actor) => actor.protocol === "rtsp" || actor.protocol === "rtsps"
export const between = (scene: Scene) => scene.s2.now.epochMilliseconds - NOW.epochMilliseconds
export const restarted = (scene: Scene) => scene.memory.started === "another process"

export const kicking = { unauthorized: "kick", massKickLimit: 10, enforce: false } as const
export function someone(more: Partial<Actor>): Actor {
  return {
    stored: "both",
    active: false,
    ending: null,
    age: 5_000,
    protocol: "rtmp",
    listed: "no",
    established: true,
    path: "no",
    viewers: 0,
    seenUnlisted: false,
    appearedBefore: true,
    ...more
  }
}
