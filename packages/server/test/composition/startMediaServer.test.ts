/** A media server of the service's own, shown with scripts in its place: what the banner says of one that is not up yet, and when it ends. */
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { freePorts } from "../../../../verification/worlds/processes.ts"
import { isAlive, until, useHome } from "./home.ts"

describe("a media server of its own", () => {
  const home = useHome()

  const startWith = async (does: string) => {
    const binary = path.join(home.directory(), "mediamtx")
    const version = '[ "$1" = --version ] && { echo v1.20.1; exit; }'
    fs.writeFileSync(binary, `#!/bin/sh\n${version}\n${does}\n`, { mode: 0o755 })
    const [api] = await freePorts(1)
    const service = home.start({ MEDIAMTX_BIN: binary, MEDIAMTX_PORTS: `api=${api}` })
    return { service, url: await service.ready }
  }
  const announced = async (does: string) => /Media server +(.*)/.exec((await startWith(does)).service.out())?.[1]

  it("is starting, as long as it has not failed", async () => {
    assert.match((await announced("exec sleep 60"))!, /^is (starting|being fetched or started)/)
  })

  it("does not start, once it has", async () => {
    assert.match((await announced("echo 'ERR: no'; exit 1"))!, /^(does not start|is being fetched or started)/)
  })

  it("is stopped after the last open request was answered", async () => {
    const { service, url } = await startWith(`echo $$ > ${home.directory()}/pid; exec sleep 60`)
    const pid = () => Number(fs.readFileSync(path.join(home.directory(), "pid"), "utf8"))
    await until(() => fs.existsSync(path.join(home.directory(), "pid")), "the media server was started")
    let finish = () => {}
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('{"display_name":'))
        finish = () => {
          controller.enqueue(new TextEncoder().encode('"Half Sent"}'))
          controller.close()
        }
      }
    })
    const headers = { "x-api-key": home.secret(), "content-type": "application/json" }
    const request = fetch(`${url}/broadcasters`, { method: "POST", headers, body, duplex: "half" } as RequestInit)
    await until(async () => (await (await fetch(`${url}/metrics`)).text()).length > 0, "the request is under way")
    service.child.kill("SIGTERM")
    const refused = () =>
      fetch(`${url}/livez`).then(
        () => false,
        () => true
      )
    await until(refused, "nobody new is let in")
    assert.isTrue(isAlive(pid()))
    finish()
    assert.strictEqual((await request).status, 201)
    assert.strictEqual(await service.ended, 0)
    assert.isFalse(isAlive(pid()))
  })
})
