/** Where the service is looked for, and where its secret comes from. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { page, SECRET } from "./support/answers.ts"
import { type FakeService, fakeService } from "./support/fakeService.ts"
import { greenroom } from "./support/greenroom.ts"

let service: FakeService
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "greenroom-cli-"))
  await writeFile(path.join(folder, "api-secret"), `${SECRET}\n`, { mode: 0o600 })
  const health = {
    status: "ok",
    service: "greenroom",
    database: "ok",
    media_server: "ok",
    unauthorized_publishers: 0,
    warnings: []
  }
  const routes = { "GET /streams": { body: page("streams", []) }, "GET /health": { body: health } }
  service = await fakeService({ ...routes, "GET /base/streams": { body: page("streams", []) } })
})
afterAll(async () => {
  await service.close()
  await rm(folder, { recursive: true, force: true })
})

const streams = ["streams", "list"]
const lastSecret = () => service.asked.at(-1)?.headers["x-api-key"]

describe("the address", () => {
  test.each([
    ["GREENROOM_URL", () => ({ GREENROOM_URL: service.url }), () => []],
    ["GREENROOM_URL with a slash at its end", () => ({ GREENROOM_URL: `${service.url}/` }), () => []],
    ["--url before GREENROOM_URL", () => ({ GREENROOM_URL: "http://127.0.0.1:1" }), () => ["--url", service.url]],
    ["API_PORT on this machine, as serve reads it", () => ({ API_PORT: String(service.port) }), () => []],
    ["HOST, where that is one address", () => ({ HOST: "localhost", API_PORT: String(service.port) }), () => []],
    ["HOST, where that is every address", () => ({ HOST: "0.0.0.0", API_PORT: String(service.port) }), () => []]
  ] as const)("from %s", async (_, environment, more) => {
    const before = service.asked.length
    const { code } = await greenroom([...streams, ...more()], { ...environment(), API_SECRET: SECRET })
    expect({ code, asked: service.asked.length - before }).toEqual({ code: 0, asked: 1 })
  })

  test("may have a path, behind a proxy", async () => {
    const { code } = await greenroom([...streams, "--url", `${service.url}/base`], { API_SECRET: SECRET })
    expect(code).toBe(0)
    expect(service.asked.at(-1)?.url).toBe("/base/streams")
  })

  test.each([
    ["localhost:8080", "begins with neither http:// nor https://"],
    ["nonsense", "is no URL"],
    ["http://user:hunter2@127.0.0.1:8080", "holds credentials"],
    ["http://127.0.0.1:8080?key=hunter2", "has a query"]
  ])("%s is refused without being repeated", async (url, complaint) => {
    const { code, stdout, stderr } = await greenroom(streams, { GREENROOM_URL: url, API_SECRET: SECRET })
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" })
    expect(stderr).toContain(`The address in GREENROOM_URL ${complaint}`)
    expect(stderr).not.toContain("hunter2")
  })
})

describe("the secret", () => {
  test.each([
    ["API_SECRET", () => ({ API_SECRET: SECRET })],
    ["API_SECRET_FILE", () => ({ API_SECRET_FILE: path.join(folder, "api-secret") })],
    ["the data folder of a service on this machine", () => ({ DATA_DIR: folder })],
    ["the data folder, where API_SECRET is empty", () => ({ DATA_DIR: folder, API_SECRET: "" })]
  ] as const)("from %s", async (_, environment) => {
    const { code, stderr } = await greenroom(streams, { GREENROOM_URL: service.url, ...environment() })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(lastSecret()).toBe(SECRET)
  })

  test("of the data folder is for this machine alone", async () => {
    const environment = { GREENROOM_URL: "http://greenroom.example", DATA_DIR: folder }
    const { code, stderr } = await greenroom(streams, environment)
    expect({ code, stderr }).toEqual({
      code: 78,
      stderr: "greenroom: There is no API secret: set API_SECRET or API_SECRET_FILE.\n"
    })
  })

  test("that is nowhere: it says where it looked", async () => {
    const { code, stdout, stderr } = await greenroom(streams, {
      GREENROOM_URL: service.url,
      DATA_DIR: `${folder}/none`
    })
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" })
    expect(stderr).toContain(`${folder}/none/api-secret, which is not there`)
  })

  test.each([
    ["both", () => ({ API_SECRET: SECRET, API_SECRET_FILE: path.join(folder, "api-secret") }), "set one of them"],
    ["a file that is not there", () => ({ API_SECRET_FILE: `${folder}/none` }), "cannot be read (NotFound)"],
    ["two lines", () => ({ API_SECRET: `${SECRET}\nX-Evil: yes` }), "not one line"],
    ["what no header can carry", () => ({ API_SECRET: "schlüssel€" }), "not one line of ASCII"]
  ] as const)("%s is refused", async (_, environment, complaint) => {
    const before = service.asked.length
    const { code, stdout, stderr } = await greenroom(streams, { GREENROOM_URL: service.url, ...environment() })
    expect({ code, stdout, asked: service.asked.length - before }).toEqual({ code: 78, stdout: "", asked: 0 })
    expect(stderr).toContain(complaint)
    expect(stderr).not.toContain(SECRET)
  })

  test("a folder in its place is refused with a sentence", async () => {
    await mkdir(path.join(folder, "odd", "api-secret"), { recursive: true })
    const { code, stderr } = await greenroom(streams, { GREENROOM_URL: service.url, DATA_DIR: `${folder}/odd` })
    expect(code).toBe(78)
    expect(stderr).toMatch(/api-secret cannot be read \(\w+\): set API_SECRET instead/)
  })

  test("is not needed, and not sent, to ask for the health", async () => {
    const without = await greenroom(["health"], { GREENROOM_URL: service.url, DATA_DIR: `${folder}/none` })
    expect(without.code).toBe(0)
    await greenroom(["health"], { GREENROOM_URL: service.url, API_SECRET: SECRET })
    expect(lastSecret()).toBeUndefined()
  })
})
