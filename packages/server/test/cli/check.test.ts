/** `check` over several pages: what it prints, for whom, and how it ends. */
import { afterEach, expect, test } from "vitest"
import { type FakeService, fakeService } from "./support/fakeService.ts"
import { at } from "./support/greenroom.ts"

let service: FakeService
afterEach(() => service.close())

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`
const cursorOf = idOf
const problem = { stream_id: idOf(200), detail: "its events are no history: ready twice \u001b[2J" }

/** Three pages, the first of them with a problem. */
const serve = async () => {
  service = await fakeService({
    "GET /check": ({ url }) => {
      const cursor = new URL(url, "http://x").searchParams.get("cursor")
      if (cursor === null) return { body: { checked: 200, problems: [problem], count: 1, next_cursor: cursorOf(200) } }
      if (cursor === cursorOf(200))
        return { body: { checked: 200, problems: [], count: 0, next_cursor: cursorOf(400) } }
      return { body: { checked: 7, problems: [], count: 0, next_cursor: null } }
    }
  })
}

test("a line a problem, a summary, and the exit code 1", async () => {
  await serve()
  const { code, stdout, stderr } = await at(service.url)(["check"])
  expect(stdout).toBe(`${idOf(200)}  its events are no history: ready twice \\u001b[2J\n`)
  expect(stderr).toContain("407 streams checked, 1 not what its events make of it.")
  expect(code).toBe(1)
  expect(service.asked.length).toBe(3)
})

test("with --json one object, whose exit code is the same", async () => {
  await serve()
  const { code, stdout } = await at(service.url)(["check", "--json"])
  expect(JSON.parse(stdout)).toEqual({ checked: 407, problems: [problem], count: 1, next_cursor: null })
  expect(code).toBe(1)
})

test("a service that offers empty pages for ever is left", async () => {
  service = await fakeService({
    "GET /check": { body: { checked: 0, problems: [], count: 0, next_cursor: cursorOf(1) } }
  })
  const { code } = await at(service.url)(["check"])
  expect({ code, asked: service.asked.length }).toEqual({ code: 0, asked: 1 })
})
