import { assert, describe, it } from "vitest"
import { type Containers, containersFrom, decideDatabase } from "./decideDatabase.ts"

const choice = async (url: string | undefined, containers: Containers, noRuntime: string | null) =>
  (await decideDatabase({ url, containers, noRuntime: async () => noRuntime })).from

describe("the tests' database", () => {
  it("is the given one, else a container, else the embedded one", async () => {
    assert.strictEqual(await choice("postgres://here", "auto", null), "url")
    assert.strictEqual(await choice(undefined, "auto", null), "container")
    assert.strictEqual(await choice(undefined, "auto", "no daemon answers"), "embedded")
  })

  it("is a container or none when containers are required, and never a container when they are off", async () => {
    assert.strictEqual(await choice(undefined, "required", null), "container")
    assert.strictEqual(await choice("postgres://here", "required", null), "container")
    assert.strictEqual(await choice("postgres://here", "required", "no daemon answers"), "nowhere")
    assert.strictEqual(await choice("postgres://here", "off", null), "url")
    assert.strictEqual(await choice(undefined, "off", null), "embedded")
  })

  it("does not look for a runtime that it does not need", async () => {
    const noRuntime = () => Promise.reject(new Error("was looked for"))
    await decideDatabase({ url: "postgres://here", containers: "auto", noRuntime })
    await decideDatabase({ url: undefined, containers: "off", noRuntime })
  })

  it("takes three words and refuses others", () => {
    assert.deepStrictEqual([undefined, "", "auto", "required", "off"].map(containersFrom), [
      "auto",
      "auto",
      "auto",
      "required",
      "off"
    ])
    assert.throws(() => containersFrom("yes"), "expected auto, required or off")
  })
})
