import { fakeMediaMtx } from "@greenroom/testing"
import { createGreenroom, type Greenroom } from "greenroom"
import { expect, test } from "vitest"

test("a publisher whose plan has ended is refused, and one whose key is revoked is kicked", async () => {
  let gr: Greenroom
  await using mtx = await fakeMediaMtx({ auth: async (question) => (await gr.authenticate(question)).status === 200 })
  gr = await createGreenroom({
    database: "memory",
    mediaMtx: { apiUrl: mtx.apiUrl, secret: "a secret of some length" },
    mayPublish: ({ broadcaster }) => broadcaster.metadata.plan === "pro" || { refuse: "The plan has ended" }
  })
  const publish = async (externalId: string, plan: string) => {
    await gr.broadcasters.upsert({ externalId, displayName: "Ada", metadata: { plan } })
    const { key, value, ingest } = await gr.keys.create({ broadcaster: { externalId } })
    const publisher = await mtx.publish({ protocol: "srt", path: ingest.path, key: value })
    return { key, publisher }
  }
  expect((await publish("user-1", "none")).publisher.admitted).toBe(false)
  const { key, publisher } = await publish("user-2", "pro")
  expect(await publisher.ready).toBe(true)
  expect(await gr.keys.revoke(key.id)).toEqual({ offAir: true })
  expect(await publisher.closed).toBe("kicked")
  await gr.close()
})
