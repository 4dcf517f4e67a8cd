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
