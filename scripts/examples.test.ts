/** The examples run, and do what they say. */
import { execFileSync } from "node:child_process"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const run = (file: string) =>
  execFileSync(process.execPath, ["--conditions=@greenroom/source", join(root, "examples", file)], {
    encoding: "utf8",
    timeout: 25_000
  })

test("a media worker of one's own comes with its source and goes with it", () => {
  const said = run("media-worker/main.ts").split("\n")
  // Beside what it says itself stands Greenroom's log.
  expect(said.filter((line) => /^(the worker|on the air)/.test(line))).toEqual([
    "the worker reads rtsp://127.0.0.1:8554/live/studio-1/in",
    "the worker is running",
    "on the air: live/studio-1/in, live/studio-1/out",
    "the worker is stopped"
  ])
})
