/** What waits for a client, and when it is cut off. */
import { once } from "node:events"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import {
  BoundedOutput,
  type Dropped,
  type OutputOptions,
  WAITING_BYTES_MAX,
  WAITING_EVENTS_MAX
} from "../../../src/http/events/BoundedOutput.ts"

const opened = (options: Partial<OutputOptions> = {}) => {
  const dropped: Array<Dropped> = []
  let cuts = 0
  const output = new BoundedOutput({
    cut: () => {
      cuts += 1
    },
    onDropped: (why) => dropped.push(why),
    ...options
  })
  return { output, dropped, cuts: () => cuts }
}
const block = (size: number) => Buffer.alloc(size, "x")
/** All that the reader takes until the output is idle. */
const taken = async (output: BoundedOutput) => {
  const pieces: Array<Buffer> = []
  output.on("data", (piece: Buffer) => pieces.push(piece))
  await Effect.runPromise(output.room)
  return Buffer.concat(pieces)
}

describe("the output of an event stream", () => {
  it("keeps what waits, in order, and gives it when it is taken", async () => {
    const { output, dropped } = opened()
    const blocks = Array.from({ length: 500 }, (_, index) => Buffer.from(`${index};`))
    for (const each of blocks) expect(output.offer(each, 1)).toBe(true)
    expect((await taken(output)).toString()).toBe(Buffer.concat(blocks).toString())
    expect([output.waitingBytes, dropped]).toEqual([0, []])
  })

  it.each([
    ["events", 10, 1, WAITING_EVENTS_MAX],
    ["bytes", WAITING_BYTES_MAX / 8, 1, 8]
  ] as const)("cuts off a client for which too many %s wait, once, and keeps nothing", (_, size, events, most) => {
    const { output, dropped, cuts } = opened()
    for (let count = 0; count < most; count++) expect(output.offer(block(size), events)).toBe(true)
    expect(output.waitingBytes).toBeLessThanOrEqual(WAITING_BYTES_MAX)
    expect(output.offer(block(size), events)).toBe(false)
    expect(output.offer(block(1), 1)).toBe(false)
    expect([output.waitingBytes, dropped, cuts(), output.isOver]).toEqual([0, ["too_slow"], 1, true])
  })

  it("cuts off a client that takes nothing of what waits, and leaves comments out meanwhile", async () => {
    const isDropped = Promise.withResolvers<Dropped>()
    const { output, cuts } = opened({ onDropped: isDropped.resolve, takesWithinMillis: 20 })
    expect(output.offer(block(10), 0)).toBe(true)
    expect(output.waitingBytes).toBe(0)
    expect(await isDropped.promise).toBe("stuck")
    expect(cuts()).toBe(1)
    // Also when nothing reads it: else it would count as open for ever.
    await once(output, "close")
  })

  it("ends when it is finished, and cuts off a client that takes nothing now", async () => {
    const idle = opened()
    idle.output.resume()
    await Effect.runPromise(idle.output.room)
    idle.output.finish()
    await once(idle.output, "end")
    expect(idle.cuts()).toBe(0)
    const blocked = opened()
    blocked.output.offer(block(10), 1)
    blocked.output.finish()
    expect([blocked.cuts(), blocked.dropped]).toEqual([1, []])
  })
})
