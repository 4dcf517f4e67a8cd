/** What the process writes of an event of the pipeline: one line of JSON, with the fields that docs/pipeline.md has, and no others. */
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { until, useHome } from "./home.ts"

const page = readFileSync(new URL("../../../../docs/pipeline.md", import.meta.url), "utf8")

/** The names in the first column of the table below "Each leaves one JSON line". */
const documented = (): ReadonlyArray<string> => {
  const [, table = ""] = /Each leaves one JSON line in the log:\n\n([\s\S]*?)\n\n/.exec(page) ?? []
  return table
    .split("\n")
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name!))
}

describe("an event's line", () => {
  const home = useHome(noMediaServer)

  it("is one JSON object with the documented fields, flat, and no credential", async () => {
    const service = home.start()
    const url = await service.ready
    const before = Date.now()
    const correlation = randomUUID()
    const answer = await fetch(`${url}/v1/mediamtx/events/ready`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-request-id": correlation },
      body: JSON.stringify({
        path: "live/studio-1/in",
        sourceType: "rtmpConn",
        sourceId: "2d88d6ec",
        query: "lang=es&pass=hunter2&title=\n"
      })
    })
    assert.strictEqual(answer.status, 200)
    const about = () =>
      service
        .err()
        .split("\n")
        .filter((line) => line.includes("2d88d6ec"))
    await until(() => about().length > 0, "the line is written")
    assert.lengthOf(about(), 1)
    const { time, duration_ms, ...rest } = JSON.parse(about()[0]!)
    assert.deepStrictEqual(rest, {
      level: "info",
      message: "request",
      method: "POST",
      route: "/v1/mediamtx/events/ready",
      status: 200,
      request_id: correlation,
      event: "ready",
      path: "live/studio-1/in",
      stream_id: "studio-1",
      direction: "in",
      source_type: "rtmpConn",
      source_id: "2d88d6ec",
      query: "lang=es&pass=…&title=\n",
      correlation_id: correlation
    })
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.isAtLeast(Date.parse(time), before)
    assert.isAtLeast(duration_ms, 0)
    assert.sameMembers([...documented()], ["time", "duration_ms", ...Object.keys(rest)])
  })
})
