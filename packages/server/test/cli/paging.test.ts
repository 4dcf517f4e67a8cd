/** Lists that take several answers are one list to whoever reads them. */
import { afterEach, expect, test } from "vitest"
import { broadcaster, page } from "./support/answers.ts"
import { type FakeService, fakeService } from "./support/fakeService.ts"
import { at } from "./support/greenroom.ts"

let service: FakeService
afterEach(() => service.close())

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`
const cursorOf = (number: number) => `1763688794640-${idOf(number).replaceAll("-", "")}`
const positionOf = (cursor: string) => Number(cursor.slice(-12))

/** `total` broadcasters, numbered from 1, in pages as they are asked for. */
const serve = async (total: number) => {
  service = await fakeService({
    "GET /broadcasters": ({ url }) => {
      const query = new URL(url, "http://x").searchParams
      const cursor = query.get("cursor")
      const first = cursor === null ? 1 : positionOf(cursor) + 1
      const last = Math.min(total, first + Number(query.get("limit") ?? 50) - 1)
      const items = Array.from({ length: last - first + 1 }, (_, i) => ({ ...broadcaster, id: idOf(first + i) }))
      return { body: page("broadcasters", items, last < total ? cursorOf(last) : null) }
    }
  })
}

const ids = (stdout: string): ReadonlyArray<string> =>
  JSON.parse(stdout).broadcasters.map(({ id }: { readonly id: string }) => id)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => idOf(i + 1))

test("all pages, in order, each item once, in one envelope", async () => {
  await serve(450)
  const { stdout, stderr } = await at(service.url)(["broadcasters", "list", "--json"])
  expect(ids(stdout)).toEqual(upTo(450))
  expect(JSON.parse(stdout)).toMatchObject({ count: 450, next_cursor: null })
  expect(stderr).toBe("")
  expect(service.asked.length).toBe(3)
})

test("--limit over pages asks for no more than it prints, and says that there are more", async () => {
  await serve(450)
  const { stdout, stderr } = await at(service.url)(["broadcasters", "list", "--json", "--limit", "250"])
  expect(ids(stdout)).toEqual(upTo(250))
  expect(JSON.parse(stdout)).toMatchObject({ count: 250, next_cursor: cursorOf(250) })
  expect(stderr).toBe("There are more than these 250: --limit shows more.\n")
  expect(service.asked.map(({ url }) => new URL(url, "http://x").searchParams.get("limit"))).toEqual(["200", "50"])
})

test("without --limit a long list ends after 1000, and says so", async () => {
  await serve(5000)
  const { stdout, stderr } = await at(service.url)(["broadcasters", "list"])
  expect(stdout.trimEnd().split("\n").length).toBe(1 + 1000)
  expect(stderr).toBe("There are more than these 1000: --limit shows more.\n")
})

test("a service that offers empty pages for ever is left", async () => {
  service = await fakeService({ "GET /broadcasters": { body: page("broadcasters", [], cursorOf(1)) } })
  const { code } = await at(service.url)(["broadcasters", "list"])
  expect({ code, asked: service.asked.length }).toEqual({ code: 0, asked: 1 })
})
