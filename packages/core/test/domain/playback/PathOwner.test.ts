/** What follows from whose a path is: the first policy that there is, and an output that is never more public than what it is made of. */
import { assert, describe, it } from "@effect/vitest"
import type { PathOwner, PlaybackPolicies, PlaybackPolicy } from "@greenroom/core"
import { Arbitrary } from "effect"
import { factsOfOutput, factsOfPath } from "../../../src/domain/playback/PathOwner.ts"
import { broadcasterId, cases, element, oneOf, streamId } from "../../support/arbitraries.ts"

const policies = element<PlaybackPolicy>(["public", "token"])
const defaults: Arbitrary.Arbitrary<PlaybackPolicies> = Arbitrary.all({ streams: policies, unknownPaths: policies })
const owners: Arbitrary.Arbitrary<PathOwner | null> = oneOf<PathOwner | null>([
  element([null]),
  Arbitrary.all({
    broadcasterId: element([broadcasterId(1), broadcasterId(2)]),
    streamId: element([null, streamId(1)]),
    playback: oneOf<PlaybackPolicy | null>([element([null]), policies])
  })
])

describe("the facts of a path", () => {
  it.prop(
    "have the policy of its owner, else the deployment's",
    [owners, defaults],
    ([owner, given]) => {
      const { policy } = factsOfPath(owner, given)
      assert.strictEqual(policy, owner === null ? given.unknownPaths : (owner.playback ?? given.streams))
    },
    cases(200)
  )

  it.prop(
    "of an output are those of its source; without one, private if either is",
    [owners, owners, defaults],
    ([source, output, given]) => {
      const facts = factsOfOutput(source, output, given)
      const own = factsOfPath(source, given).policy
      const isEither = own === "token" || (output !== null && factsOfPath(output, given).policy === "token")
      assert.strictEqual(facts.policy, source === null && isEither ? "token" : own)
      assert.strictEqual(facts.streamId, output?.streamId ?? null)
      assert.strictEqual(facts.broadcasterId, source?.broadcasterId ?? output?.broadcasterId ?? null)
    },
    cases(300)
  )
})
