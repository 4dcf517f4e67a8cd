/** What readers of events are not shown. */
import type { LoggedEvent } from "@greenroom/core"
import { DateTime } from "effect"
import { expect, it } from "vitest"
import { eventOnWire } from "../../../src/http/routes/eventShown.ts"

it("an endpoint that was disabled is shown to the others by its host alone: its URL may have a secret", () => {
  const event = {
    id: "evt_1_0000000000000000",
    position: 1,
    type: "webhook_endpoint.disabled",
    at: DateTime.makeUnsafe(0),
    subject: "webhook_endpoint:one",
    streamSeq: null,
    broadcasterId: null,
    data: { id: "one", url: "https://hooks.example.com:8443/services/T0/B0/secret?token=secret", reason: "gone" }
  } as unknown as LoggedEvent
  const shown = eventOnWire(event, () => {
    throw new Error("not a stream")
  })
  expect(JSON.stringify(shown)).not.toContain("secret")
  expect(shown).toMatchObject({ data: { id: "one", url: "https://hooks.example.com:8443", reason: "gone" } })
})

it("a viewer that was refused is shown without the keys that it has sent", () => {
  const key = `sk_abcd${"x".repeat(39)}`
  const event = {
    id: "evt_1_0000000000000000",
    position: 1,
    type: "viewer.refused",
    at: DateTime.makeUnsafe(0),
    subject: "path:live/one",
    streamSeq: null,
    broadcasterId: null,
    data: {
      path: `live/${key}`,
      streamId: null,
      broadcasterId: null,
      protocol: key,
      ip: key,
      userAgent: `player ${key}`,
      tokenId: null,
      viewerId: null,
      reason: "playback_token_needed",
      rule: "playback_token_needed",
      detail: `A playback token is needed to watch live/${key}`,
      decisionId: "2ebede4e-bd8a-49a2-b800-c76a08331e9a"
    }
  } as unknown as LoggedEvent
  const shown = eventOnWire(event, () => {
    throw new Error("not a stream")
  })
  expect(JSON.stringify(shown)).not.toContain(key)
  expect(shown).toMatchObject({ data: { path: "live/sk_abcd…", user_agent: "player sk_abcd…", token_id: null } })
})
