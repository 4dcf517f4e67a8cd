/**
 * `planReconciliation`, rule by rule, against actors that know what they are: who ends, who is ready, and what does not matter. Whom it kicks
 * and cures is in `planReconciliationKicks.test.ts`; what follows from running it again and again in `Convergence.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { applyEvent, endReasonOf } from "@greenroom/core"
import { type Actor, actors, observationOf, reasonOf, sceneOf, scenes, sourceOf } from "@greenroom/testing/arbitraries"
import { Arbitrary, Result } from "effect"
import { rememberAppearances } from "../../src/domain/reconciliation/appearances.ts"
import type { Command } from "../../src/domain/reconciliation/Command.ts"
import { boolean, cases, element, NOW, streamId } from "../support/arbitraries.ts"
import {
  between,
  kicking,
  newcomer,
  only,
  restarted,
  run,
  seen,
  sources,
  streams,
  those,
  unended
} from "../support/casting.ts"

describe("reconcile ends", () => {
  it.prop(
    "whoever is in both snapshots and nowhere on the media server, however young: it was listed before it was asked about",
    [scenes],
    ([scene]) => {
      const gone = (actor: Actor) => actor.stored === "both" && !seen(actor)
      const ends = only(run(scene).commands, "End")
      assert.deepStrictEqual(
        ends.map(({ session }) => session.streamId),
        streams(scene, gone)
      )
      for (const end of ends) {
        assert.strictEqual(end.cause, restarted(scene) ? "media_server_restarted" : "left")
        assert.strictEqual(end.verify, !restarted(scene))
      }
    },
    cases(1_000)
  )

  it.prop(
    "as restarted, and after a question, when a sign of a restart came since the last complete pass, however many snapshots ago",
    [scenes, element([0, 1, 2]), boolean, element([null, 0, 1])],
    ([scene, count, now, before]) => {
      const memory = { ...scene.memory, started: scene.look.started, restartsSeen: before }
      const plan = run({ ...scene, memory, look: { ...scene.look, restartsSeen: { count, now } } })
      const expected = now || (before !== null && count > before) ? "media_server_restarted" : "left"
      for (const { cause, verify } of only(plan.commands, "End"))
        assert.deepStrictEqual([cause, verify], [expected, true])
      assert.strictEqual(plan.memory.restartsSeen, count)
    },
    cases()
  )

  it.prop(
    "nobody who is listed or on a path, or in one snapshot only",
    [scenes],
    ([scene]) => {
      for (const { session } of only(run(scene).commands, "End")) {
        const actor = scene.cast.find((_, index) => streamId(index) === session.streamId)!
        assert.isFalse(seen(actor))
        assert.strictEqual(actor.stored, "both")
      }
    },
    cases(1_000)
  )

  it.prop(
    "with a reason that the state machine takes",
    [scenes],
    ([scene]) => {
      for (const { session, cause } of only(run(scene).commands, "End")) {
        const reason = endReasonOf(session.state, cause)
        const actor = scene.cast.find((_, index) => streamId(index) === session.streamId)!
        assert.strictEqual(reason, reasonOf(actor, restarted(scene)))
        assert.isTrue(Result.isSuccess(applyEvent(session.state, { type: "ended", reason, seq: 2, at: NOW })))
      }
    },
    cases(300)
  )
})

describe("reconcile counts", () => {
  it.prop(
    "whether those who were admitted appear here: those that end and never did, and each that does, once",
    [scenes],
    ([scene]) => {
      const { neverAppeared, memory } = run(scene)
      const absent = (actor: Actor) =>
        scene.memory.continuous &&
        actor.stored === "both" &&
        !seen(actor) &&
        newcomer(actor) &&
        actor.ending === null &&
        !restarted(scene)
      assert.deepStrictEqual([...neverAppeared], streams(scene, absent))
      assert.deepStrictEqual(
        [...memory.appeared],
        sources(scene, (actor) => unended(actor) && seen(actor))
      )
      const appeared = those(scene, (actor) => unended(actor) && seen(actor) && newcomer(actor)).length
      assert.deepStrictEqual(
        memory.appearances,
        rememberAppearances(scene.memory.appearances, { appeared }, scene.s2.now)
      )
    },
    cases(1_000)
  )
})

describe("reconcile sees", () => {
  it.prop(
    "sessions get ready, once, that have a ready path",
    [scenes],
    ([scene]) => {
      const ready = only(run(scene).commands, "MarkReady")
      const now = (actor: Actor) => unended(actor) && !actor.active && actor.path === "ready"
      assert.deepStrictEqual(
        ready.map((one) => one.streamId),
        streams(scene, now)
      )
      for (const { streamId: id, sourceType } of ready) {
        const session = scene.s2.open.find((one) => one.streamId === id)!
        assert.isTrue(Result.isSuccess(applyEvent(session.state, { type: "ready", sourceType, seq: 2, at: NOW })))
      }
    },
    cases(1_000)
  )

  it.prop(
    "what the media server says of sessions that go on, and of nobody else; silence of those without a path",
    [scenes],
    ([scene]) => {
      const silent = { tracks: [], viewerCount: 0, inboundBytes: 0 }
      assert.deepStrictEqual(
        run(scene).observations,
        those(scene, (actor) => unended(actor) && seen(actor)).map((n) => {
          const actor = scene.cast[n]!
          return { streamId: streamId(n), observation: actor.path === "no" ? silent : observationOf(actor) }
        })
      )
    },
    cases(1_000)
  )
})

describe("reconcile", () => {
  it.prop(
    "remembers the process that it saw",
    [scenes],
    ([scene]) => assert.strictEqual(run(scene).memory.started, "this process"),
    cases(50)
  )

  const sorted = (commands: ReadonlyArray<Command>) => commands.map((command) => JSON.stringify(command)).sort()
  it.prop(
    "does not mind in which order the lists came",
    [scenes],
    ([scene]) => {
      const turned = run({
        ...scene,
        s1: { ...scene.s1, open: scene.s1.open.toReversed() },
        look: { ...scene.look, sources: scene.look.sources.toReversed(), paths: scene.look.paths.toReversed() },
        s2: { ...scene.s2, open: scene.s2.open.toReversed() }
      })
      assert.deepStrictEqual(sorted(turned.commands), sorted(run(scene).commands))
    },
    cases(300)
  )

  it.prop(
    "judges each by himself, but for the limit on kicks",
    [scenes, actors],
    ([scene, newcomer]) => {
      const policy = { ...scene.policy, massKickLimit: 1_000 }
      const wasRestarted = scene.memory.started === null ? null : restarted(scene)
      const all = run(sceneOf([...scene.cast, newcomer], policy, between(scene), wasRestarted)).commands
      const others = run(sceneOf(scene.cast, policy, between(scene), wasRestarted)).commands
      const rest = sorted(all).filter((command) => !sorted(others).includes(command))
      assert.strictEqual(rest.length, all.length - others.length)
      const his = JSON.stringify([streamId(scene.cast.length), sourceOf(scene.cast.length)])
        .slice(1, -1)
        .split(",")
      for (const command of rest)
        assert.isTrue(
          his.some((name) => command.includes(name)),
          command
        )
    },
    cases(300)
  )

  it.prop(
    "forgets no process: without one before, nobody ends for a restart",
    [Arbitrary.array(actors, { maxLength: 5 }), element([null, false])],
    ([cast, wasRestarted]) => {
      for (const end of only(run(sceneOf(cast, kicking, 0, wasRestarted)).commands, "End")) {
        assert.strictEqual(end.cause, "left")
      }
    },
    cases(200)
  )
})
