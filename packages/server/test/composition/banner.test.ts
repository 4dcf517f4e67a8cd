/** What `serve` prints is there to be pasted: it is, into a shell that has nothing set. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { noEndpoints } from "@greenroom/core"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { type BannerFacts, banner } from "../../src/composition/banner.ts"
import { useHome } from "./home.ts"

const facts: BannerFacts = {
  url: "http://127.0.0.1:8080",
  secretFile: "/srv/green room/.greenroom/api-secret",
  database: "",
  mediaServer: "",
  hooks: null,
  addresses: { ...noEndpoints, rtmp: "rtmp://127.0.0.1:1935" },
  program: "npm run -s greenroom --",
  folder: "/srv/green room",
  readyAfter: 900
}

const hasCurl = (() => {
  try {
    execFileSync("curl", ["--version"])
    return true
  } catch {
    return false
  }
})()

describe("the banner", () => {
  const home = useHome(noMediaServer)

  it("names the file that the secret is in, quoted for a shell", () => {
    assert.include(banner(facts), `SECRET="$(cat '/srv/green room/.greenroom/api-secret')"`)
    assert.include(banner({ ...facts, secretFile: "/o'clock" }), `cat '/o'\\''clock'`)
    assert.include(banner({ ...facts, secretFile: null }), 'SECRET="$API_SECRET"')
  })

  it("shows the command line as it is started, with what it cannot find by itself", () => {
    assert.match(banner(facts), /^ {2}npm run -s greenroom -- streams watch$/m)
    const moved = banner({
      ...facts,
      url: "http://127.0.0.1:9000",
      secretFile: "/run/secrets/api",
      program: "greenroom"
    })
    assert.include(
      moved,
      "  GREENROOM_URL=http://127.0.0.1:9000 API_SECRET_FILE=/run/secrets/api greenroom streams watch\n"
    )
  })

  it("names the secret's file wherever the command line would not look for it", () => {
    const remote = banner({ ...facts, url: "http://192.0.2.7:8080" })
    assert.include(remote, "  GREENROOM_URL=http://192.0.2.7:8080 API_SECRET_FILE='/srv/green room/")
  })

  it("says how to publish only where there is something to publish to", () => {
    assert.include(banner(facts), "ffmpeg")
    const without = banner({ ...facts, addresses: noEndpoints })
    assert.notInclude(without, "ffmpeg")
    assert.notInclude(without, "INGEST")
  })

  /** The indented lines: what is meant for a shell. */
  const commands = (text: string) =>
    text
      .slice(text.indexOf("Create a broadcaster"))
      .split("\n")
      .filter((line) => line.startsWith("  "))
      .join("\n")

  it.skipIf(!hasCurl)(`can be pasted${hasCurl ? "" : " (skipped: there is no curl)"}`, async () => {
    const file = path.join(home.directory(), "the secret's file")
    fs.writeFileSync(file, "the secret of this test\n")
    const service = home.start({ API_SECRET_FILE: file })
    await service.ready
    const script = commands(service.out()).replace("streams watch", "streams list")
    assert.include(script, "node --conditions=@greenroom/source main.ts streams list")
    const said = execFileSync("bash", ["-euo", "pipefail", "-c", script], {
      encoding: "utf8",
      cwd: path.dirname(new URL("../../src/main.ts", import.meta.url).pathname),
      env: { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}` }
    })
    assert.match(said, /"key_value":"sk_/)
    assert.include(said, '"streams":[]')
    assert.include(said, "No stream is live")
    assert.notInclude(service.out(), "the secret of this test")
  })
})
