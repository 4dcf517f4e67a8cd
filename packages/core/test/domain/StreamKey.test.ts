/** The derived status of a key: the first reason that holds, to the millisecond. */
import { assert, describe, it } from "@effect/vitest"
import { keyStatus, keyStatuses, revocationOf, whyInvalid } from "@greenroom/core"
import { Arbitrary } from "effect"
import { at, boolean, cases, element, NOW, streamId } from "../support/arbitraries.ts"

const moments = element([null, at(-1), at(0), at(1), at(-86_400_000), at(86_400_000)])
const keys = Arbitrary.all({
  revokedAt: moments,
  revokesAt: moments,
  expiresAt: moments,
  enabled: boolean,
  activeStreamId: element([null, streamId(1)])
})

const valid = { revokedAt: null, revokesAt: null, expiresAt: null, enabled: true, activeStreamId: null }

describe("keyStatus", () => {
  it.prop(
    "is the first of revoked, expired, disabled, in use and active that holds",
    [keys],
    ([key]) => {
      const holds = {
        revoked:
          key.revokedAt !== null ||
          (key.revokesAt !== null && key.revokesAt.epochMilliseconds <= NOW.epochMilliseconds),
        expired: key.expiresAt !== null && key.expiresAt.epochMilliseconds <= NOW.epochMilliseconds,
        disabled: !key.enabled,
        in_use: key.activeStreamId !== null,
        active: true
      }
      const status = keyStatus(key, NOW)
      assert.strictEqual(
        status,
        keyStatuses.find((name) => holds[name])
      )
      assert.strictEqual(whyInvalid(key, NOW), status === "in_use" || status === "active" ? null : status)
    },
    cases(500)
  )

  it("has expired in the very millisecond of its expiry, and not one before", () => {
    const key = (expiresAt: typeof NOW) => ({ ...valid, expiresAt })
    assert.deepStrictEqual(
      [at(-1), at(0), at(1)].map((expiresAt) => keyStatus(key(expiresAt), NOW)),
      ["expired", "expired", "active"]
    )
  })

  it("is revoked in the very millisecond in which its overlap ends, and not one before", () => {
    const shown = (revokesAt: typeof NOW) => revocationOf({ revokedAt: null, revokesAt }, NOW)
    assert.deepStrictEqual(
      [at(-1), at(0), at(1)].map((revokesAt) => [keyStatus({ ...valid, revokesAt }, NOW), shown(revokesAt)]),
      [
        ["revoked", { revokedAt: at(-1), revokesAt: null }],
        ["revoked", { revokedAt: at(0), revokesAt: null }],
        ["active", { revokedAt: null, revokesAt: at(1) }]
      ]
    )
    assert.deepStrictEqual(revocationOf({ revokedAt: at(-5), revokesAt: at(1) }, NOW), {
      revokedAt: at(-5),
      revokesAt: null
    })
  })

  it("is revoked whenever that was said to be: a clock that runs behind revives no key", () => {
    const key = { ...valid, revokedAt: at(60_000), activeStreamId: streamId(1) }
    assert.strictEqual(keyStatus(key, NOW), "revoked")
  })
})
