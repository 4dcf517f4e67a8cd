/** What the banner says of a media server that has not come up yet, shown with scripts in its place. */
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { freePorts } from "../../../adapters/test/embedded/processes.ts"
import { useHome } from "./home.ts"

describe("a media server that is not up when the service is ready", { timeout: 60_000 }, () => {
  const home = useHome()

  const announced = async (does: string) => {
    const binary = path.join(home.directory(), "mediamtx")
    const version = '[ "$1" = --version ] && { echo v1.20.1; exit; }'
    fs.writeFileSync(binary, `#!/bin/sh\n${version}\n${does}\n`, { mode: 0o755 })
    const [api] = await freePorts(1)
    const service = home.start({ MEDIAMTX_BIN: binary, MEDIAMTX_PORTS: `api=${api}` })
    await service.ready
    return /Media server +(.*)/.exec(service.out())?.[1]
  }

  it("is starting, as long as it has not failed", async () => {
    assert.match((await announced("exec sleep 60"))!, /^is (starting|being fetched or started)/)
  })

  it("does not start, once it has", async () => {
    assert.match((await announced("echo 'ERR: no'; exit 1"))!, /^(does not start|is being fetched or started)/)
  })
})
