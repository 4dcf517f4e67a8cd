/** Whom `planReconciliation` kicks, only reports, holds back, stops and cures; and that it touches nobody who was admitted. */
import { assert, describe, it } from "@effect/vitest"
import { saysPublishEarly } from "@greenroom/core"
import { type Actor, type Scene, sceneOf, scenes, sourceOf } from "@greenroom/testing/arbitraries"
import { cases } from "../support/arbitraries.ts"
import {
  between,
  former,
  kickable,
  kicking,
  only,
  restarted,
  rtsp,
  run,
  someone,
  sources,
  stranger,
  streams,
  those,
  unended
} from "../support/casting.ts"

/** Why the strangers of the scene may have a right to be there. */
const doubtIn = (scene: Scene) => {
  if (scene.asksUs === null) return "not_known"
  if (!scene.asksUs) return "not_asked"
  return run(scene).memory.appearances.last.filter((appeared) => !appeared).length >= 3 ? "another_asks" : null
}

describe("reconcile kicks", () => {
  it.prop(
    "whoever is being stopped and listed, of any state, but no WebRTC session that does not stand yet",
    [scenes],
    ([scene]) => {
      const kicks = only(run(scene).commands, "KickStopping")
      const due = (actor: Actor) => unended(actor) && actor.ending !== null && kickable(actor)
      assert.deepStrictEqual(
        kicks.map(({ session }) => session.streamId),
        streams(scene, due)
      )
      for (const { session, listed } of kicks) assert.strictEqual(session.source.id, listed.id)
    },
    cases(1_000)
  )

  it.prop(
    "every publisher that had a session, whatever the policy says of others",
    [scenes],
    ([scene]) => {
      const kicks = only(run(scene).commands, "KickUnauthorized").filter((kick) => kick.former)
      assert.deepStrictEqual(
        kicks.map(({ listed }) => listed.id),
        sources(scene, (actor) => stranger(actor) && former(actor))
      )
    },
    cases(1_000)
  )

  it.prop(
    "publishers that nobody admitted, unless they are or were too many, or may have a right that is not known here; reports them, or holds back, as the policy says",
    [scenes],
    ([scene]) => {
      const { commands, memory } = run(scene)
      const unknown = sources(scene, (actor) => stranger(actor) && !former(actor))
      const { unauthorized, massKickLimit: limit, enforce } = scene.policy
      const holding = scene.memory.holding && !restarted(scene)
      const unlisted = (actor: Actor) => actor.path !== "no" && actor.listed === "no" && (holding || actor.seenUnlisted)
      const count =
        unknown.length + those(scene, (actor) => unlisted(actor) && !unended(actor) && !former(actor)).length
      const tooMany = count > limit || (holding && count > 0)
      const why = tooMany ? "too_many" : doubtIn(scene)
      const held = unauthorized === "kick" && why !== null && !enforce && count > 0
      assert.deepStrictEqual(
        only(commands, "KickUnauthorized")
          .filter((kick) => !kick.former)
          .map(({ listed }) => listed.id),
        unauthorized === "report" || held ? [] : unknown
      )
      assert.deepStrictEqual(
        only(commands, "ReportUnauthorized").map(({ listed }) => listed.id),
        unauthorized === "report" ? unknown : []
      )
      assert.deepStrictEqual(
        only(commands, "HoldUnauthorized"),
        held ? [{ _tag: "HoldUnauthorized", count, why: why! }] : []
      )
      assert.strictEqual(memory.holding, held && why === "too_many", "what is held for a doubt alone is decided anew")
    },
    cases(1_000)
  )

  it.each([
    { count: 10, enforce: false, kicked: 10 },
    { count: 11, enforce: false, kicked: 0 },
    { count: 11, enforce: true, kicked: 11 }
  ])("$kicked of $count when the limit is 10 and enforce is $enforce", ({ count, enforce, kicked }) => {
    const cast = Array.from({ length: count }, () => someone({ stored: "none", listed: "publish" }))
    const policy = { unauthorized: "kick", massKickLimit: 10, enforce } as const
    const { commands } = run(sceneOf(cast, policy, 0, false))
    assert.strictEqual(only(commands, "KickUnauthorized").length, kicked)
    assert.strictEqual(only(commands, "HoldUnauthorized").length, kicked === 0 ? 1 : 0)
  })

  it("as too many stay held after a pass that had another reason, too", () => {
    const two = [someone({ stored: "none", listed: "publish" }), someone({ stored: "none", listed: "publish" })]
    const scene = sceneOf(two, kicking, 0, false, true)
    const doubted = run({ ...scene, asksUs: false })
    assert.strictEqual(only(doubted.commands, "HoldUnauthorized").length, 1)
    assert.deepStrictEqual(only(run({ ...scene, memory: doubted.memory }).commands, "KickUnauthorized"), [])
  })

  it("counts those in no list: more of them than the limit lose no path", () => {
    const unlisted = Array.from({ length: 11 }, () =>
      someone({ stored: "none", protocol: "moq", path: "ready", seenUnlisted: true })
    )
    const { commands } = run(sceneOf(unlisted, kicking, 0, false))
    assert.deepStrictEqual(only(commands, "ResetPath"), [])
    assert.strictEqual(only(run(sceneOf(unlisted.slice(1), kicking, 0, false)).commands, "ResetPath").length, 10)
  })

  it("counts those in no list that were seen once while a hold lasts: a new leader goes on to hold them back", () => {
    const unlisted = Array.from({ length: 11 }, () => someone({ stored: "none", protocol: "moq", path: "ready" }))
    const first = run(sceneOf(unlisted, kicking, 0, false, true))
    assert.deepStrictEqual(only(first.commands, "HoldUnauthorized"), [
      { _tag: "HoldUnauthorized", count: 11, why: "too_many" }
    ])
    const second = run({ ...sceneOf(unlisted.slice(1), kicking, 0, false), memory: first.memory })
    assert.deepStrictEqual(only(second.commands, "ResetPath"), [])
    const elsewhere = run(sceneOf(unlisted, kicking, 0, true, true))
    assert.deepStrictEqual(only(elsewhere.commands, "HoldUnauthorized"), [], "of another process nothing is known")
  })

  it.prop(
    "nobody who was admitted and is not being stopped, no reader, and no WebRTC session that does not stand yet",
    [scenes],
    ([scene]) => {
      for (const command of run(scene).commands) {
        if (command._tag !== "KickStopping" && command._tag !== "KickUnauthorized") continue
        const actor = scene.cast.find((_, index) => sourceOf(index) === command.listed.id)!
        assert.isFalse(unended(actor) && actor.ending === null, "admitted and not stopping")
        assert.isTrue(!saysPublishEarly(actor.protocol) || actor.established)
        if (command._tag === "KickUnauthorized") assert.strictEqual(actor.listed, "publish")
      }
    },
    cases(1_000)
  )
})

describe("reconcile stops", () => {
  it.prop(
    "RTSP sessions that announced and were not ready for ten seconds, and nobody else",
    [scenes],
    ([scene]) => {
      const late = (actor: Actor) =>
        unended(actor) &&
        actor.listed !== "no" &&
        rtsp(actor) &&
        !actor.active &&
        actor.path !== "ready" &&
        actor.ending === null &&
        actor.age + between(scene) > 10_000
      const stops = only(run(scene).commands, "RequestStop")
      assert.deepStrictEqual(
        stops.map((stop) => stop.streamId),
        streams(scene, late)
      )
      for (const stop of stops) assert.strictEqual(stop.reason, "never_ready")
    },
    cases(1_000)
  )

  it("leaves an RTSP session alone that pauses, for as long as it is listed", () => {
    const paused = someone({ active: true, protocol: "rtsp", listed: "publish", path: "no", age: 60_000 })
    assert.deepStrictEqual(run(sceneOf([paused], kicking, 0, false)).commands, [])
  })
})

describe("reconcile cures", () => {
  it.prop(
    "paths whose source is in no list twice in a row: RTSP's, those of sessions that are to end, and of strangers that would be kicked; it reports the others",
    [scenes],
    ([scene]) => {
      const { commands, memory } = run(scene)
      const unlisted = (actor: Actor) => actor.path !== "no" && actor.listed === "no"
      const again = (actor: Actor) => unlisted(actor) && actor.seenUnlisted
      const { unauthorized, enforce } = scene.policy
      const strangersGo =
        unauthorized === "kick" &&
        (enforce || (doubtIn(scene) === null && only(commands, "HoldUnauthorized").length === 0))
      const goes = (actor: Actor) =>
        unended(actor) ? rtsp(actor) || actor.ending !== null : former(actor) || strangersGo
      assert.deepStrictEqual(
        only(commands, "ResetPath").map(({ sourceId, path }) => [sourceId, path]),
        those(scene, (actor) => again(actor) && goes(actor)).map((n) => [sourceOf(n), `live/${n}`])
      )
      assert.deepStrictEqual(
        only(commands, "ReportUnlisted").map(({ path }) => path.sourceId),
        sources(scene, (actor) => again(actor) && !goes(actor))
      )
      assert.deepStrictEqual([...memory.unlisted], sources(scene, unlisted))
    },
    cases(1_000)
  )

  it("never the media server's own sources, whatever their type: pulled, redirected, on demand, always available", () => {
    for (const sourceType of ["rtspSource", "rpiCameraSource", "redirect", ""]) {
      const scene = sceneOf(
        [someone({ listed: "no", path: "ready", stored: "none", seenUnlisted: true })],
        kicking,
        0,
        false
      )
      const look = { ...scene.look, paths: scene.look.paths.map((path) => ({ ...path, sourceType })) }
      const { commands, memory } = run({ ...scene, look })
      assert.deepStrictEqual([commands, memory.unlisted.size], [[], 0], sourceType)
    }
  })

  it("never a path whose source no list could show, whoever it is", () => {
    for (const stored of ["none", "both", "ended"] as const) {
      const scene = sceneOf(
        [someone({ protocol: "rtsp", listed: "no", path: "ready", stored, seenUnlisted: true })],
        kicking,
        0,
        false
      )
      const paths = scene.look.paths.map((path) => ({ ...path, unlistable: true as const }))
      const { commands } = run({ ...scene, look: { ...scene.look, paths } })
      assert.strictEqual(only(commands, "ResetPath").length, 0, stored)
      assert.strictEqual(only(commands, "ReportUnlisted").length, 1, stored)
    }
  })

  it("not when they were listed in between", () => {
    const ghost = someone({ protocol: "rtsp", listed: "no", path: "ready", stored: "none" })
    const first = run(sceneOf([ghost], kicking, 0, false))
    const back = sceneOf([{ ...ghost, listed: "read" }], kicking, 0, false)
    const second = run({ ...back, memory: first.memory })
    const third = run({ ...sceneOf([ghost], kicking, 0, false), memory: second.memory })
    const fourth = run({ ...sceneOf([ghost], kicking, 0, false), memory: third.memory })
    assert.deepStrictEqual(
      [first, second, third, fourth].map(({ commands }) => only(commands, "ResetPath").length),
      [0, 0, 0, 1]
    )
  })
})
