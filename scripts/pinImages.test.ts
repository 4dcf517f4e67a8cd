/** Base images get the digests that a registry has for their tags: all of them, or none is written. */
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { imagesIn, pinned } from "./pinImages.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const files = ["docker/Dockerfile", "docker-compose.yml"]
const read = (folder: string) => files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n")
const digest = (digit: string) => `sha256:${digit.repeat(64)}`

it("finds every base image of the repository, and leaves our own alone", () => {
  expect(imagesIn(read(root))).toEqual([
    "node:24-bookworm-slim",
    "postgres:18.1",
    "bluenviron/mediamtx:1.20.1-ffmpeg",
    "otel/opentelemetry-collector:0.123.0",
    "grafana/tempo:2.8.1",
    "prom/prometheus:v3.5.0",
    "grafana/grafana:12.1.1"
  ])
})

it("adds a digest, and replaces one that is there; nothing else changes", () => {
  const once = pinned(read(root), () => digest("a"))
  expect(once.match(/@sha256:a{64}/g)).toHaveLength(8)
  expect(once).toContain(`\nFROM node:24-bookworm-slim@${digest("a")} AS build\n`)
  expect(once.replaceAll(`@${digest("a")}`, "")).toBe(read(root).replaceAll(/@sha256:[0-9a-f]{64}/g, ""))
  expect(pinned(once, () => digest("b"))).toBe(once.replaceAll("a".repeat(64), "b".repeat(64)))
  expect(imagesIn(once)).toEqual(imagesIn(read(root)))
})

describe("the command", () => {
  let folder = ""
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "greenroom-pin-"))
    mkdirSync(join(folder, "docker"))
    mkdirSync(join(folder, "bin"))
    for (const file of files) cpSync(join(root, file), join(folder, file))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** `answer`: a shell command that prints what Docker's client would, with the image as `$6`. */
  const run = (answer: string) => {
    writeFileSync(join(folder, "bin/docker"), `#!/bin/sh\n${answer}\n`, { mode: 0o755 })
    const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` }
    return spawnSync(process.execPath, [join(root, "scripts/pinImages.ts"), folder], { env, encoding: "utf8" })
  }

  it("writes what the client answers, and prints it", () => {
    const { status, stdout, stderr } = run(`echo '{"digest":"${digest("c")}"}'`)
    expect([status, stderr]).toEqual([0, ""])
    expect(stdout).toContain(`postgres:18.1 ${digest("c")}\n`)
    expect(read(folder)).toBe(pinned(read(root), () => digest("c")))
  })

  it("writes nothing when one image is not found, or the answer is no digest", () => {
    const one = `case $6 in postgres:*) exit 1;; *) echo '{"digest":"${digest("c")}"}';; esac`
    for (const [answer, image] of [
      [one, "postgres:18.1"],
      ["echo '{}'", "node:24-bookworm-slim"],
      ["echo nonsense", "node:24-bookworm-slim"]
    ] as const) {
      const { status, stderr } = run(answer)
      expect([status, stderr]).toEqual([1, expect.stringContaining(`the digest of ${image} cannot be found`)])
      expect(read(folder)).toBe(read(root))
    }
  })
})
