/** What a schedule is: the bounds that every one keeps, and that together they hold everything that can happen. */
import { assert, describe, it } from "@effect/vitest"
import { drawSchedule } from "./Schedule.ts"
import type { Action } from "./Step.ts"

const schedules = Array.from({ length: 300 }, (_, index) => drawSchedule(index + 1))

describe("a schedule", () => {
  it("is the same again for the same seed, and another for another", () => {
    assert.deepStrictEqual(drawSchedule(7), drawSchedule(7))
    assert.strictEqual(new Set(schedules.map((schedule) => JSON.stringify(schedule))).size, schedules.length)
  })

  it("has at least 200 steps in order over at least 60 s, one to three instances, up to 50 publishers", () => {
    for (const { steps, setting } of schedules) {
      assert.isAtLeast(steps.length, 200)
      assert.isAtLeast(steps.at(-1)!.at, 60_000)
      assert.deepStrictEqual(
        steps.map(({ at }) => at),
        steps.map(({ at }) => at).toSorted((a, b) => a - b)
      )
      assert.isTrue(setting.clocks.length >= 1 && setting.clocks.length <= 3)
      assert.isTrue(setting.publishers >= 1 && setting.publishers <= 50)
    }
    assert.deepStrictEqual([...new Set(schedules.map(({ setting }) => setting.clocks.length))].sort(), [1, 2, 3])
    assert.isAbove(Math.max(...schedules.map(({ setting }) => setting.publishers)), 40)
  })

  it("can hold every kind of step", () => {
    const kinds: { readonly [T in Action["_tag"]]: true } = {
      Connect: true,
      AllConnect: true,
      Leave: true,
      EncoderDies: true,
      EncoderFreezes: true,
      Pause: true,
      Record: true,
      Stranger: true,
      Crowd: true,
      Reader: true,
      OwnPath: true,
      AuthAgain: true,
      ForgedHook: true,
      MediaServerRestarts: true,
      MediaServerFreezes: true,
      MediaServerSlow: true,
      MediaServerErrs: true,
      InstanceKilled: true,
      InstanceFrozen: true,
      InstanceTerminated: true,
      ClockSet: true,
      StoreStops: true,
      StoreFreezes: true,
      StoreSlow: true,
      StoreConnectionsKilled: true,
      CommitsFail: true,
      AnswersLost: true,
      Revoke: true,
      Rotate: true,
      StopAndBlock: true,
      Disable: true,
      Expire: true,
      DeleteBroadcaster: true,
      StopStream: true,
      ForceStop: true,
      Enforce: true,
      NewKey: true,
      EndedByHand: true,
      Watch: true,
      StopWatching: true,
      PlayerDies: true,
      PlayerIdles: true,
      IssueToken: true,
      RevokeToken: true,
      RevokeViewer: true,
      SetPlayback: true,
      RotateSigningKey: true,
      RemoveSigningKey: true,
      KickViewer: true,
      QuietPeriod: true
    }
    const drawn = new Set(schedules.flatMap(({ steps }) => steps.map(({ _tag }) => _tag)))
    assert.deepStrictEqual([...drawn].sort(), Object.keys(kinds).sort())
  })
})
