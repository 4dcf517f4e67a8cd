/** What the example scripts say of wrong arguments, under every shell that is here, and what shellcheck says of them. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"

const folder = fileURLToPath(new URL(".", import.meta.url))
const scripts = readdirSync(folder).filter((name) => /^\w+-\w+\.sh$/.test(name))
const has = (command: string) => spawnSync(command, ["--help"], { stdio: "ignore" }).error === undefined
const shells = [["sh"], ["dash"], ["bash"], ["busybox", "ash"]].filter(([shell]) => has(shell!))

const tools = mkdtempSync(join(tmpdir(), "players-"))
/** Stands in for a tool: is started and stays. */
for (const name of ["ffplay", "gst-launch-1.0"]) {
  writeFileSync(join(tools, name), "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 })
}
afterAll(() => rmSync(tools, { recursive: true }))

const run = (shell: ReadonlyArray<string>, script: string, ...args: ReadonlyArray<string>) => {
  const [command = "", ...before] = shell
  const { status, stdout, stderr } = spawnSync(command, [...before, `${folder}${script}`, ...args], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${tools}:${process.env.PATH}`, STREAM_KEY: "", STREAM_KEY_FILE: "" },
    timeout: 60_000
  })
  return { status, stdout, stderr }
}

for (const shell of shells) {
  describe(`the examples under ${shell.join(" ")}`, () => {
    it.each(scripts)("%s without arguments shows how it is called", (script) => {
      const { status, stdout, stderr } = run(shell, script)
      assert.deepStrictEqual({ status, stdout }, { status: 64, stdout: "" })
      assert.match(stderr, new RegExp(`\n {2}${script} (URL|INPUT_URL OUTPUT_URL)`))
    })

    it.each(scripts)("%s --help shows the same as an answer", (script) => {
      const { status, stdout, stderr } = run(shell, script, "--help")
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      assert.strictEqual(stdout, run(shell, script).stderr)
    })

    it.each(scripts.filter((script) => !script.startsWith("passthrough")))(
      "%s says which argument is wrong and what was expected",
      (script) => {
        const wrong = (args: ReadonlyArray<string>, sentence: RegExp) => {
          const { status, stdout, stderr } = run(shell, script, ...args)
          assert.deepStrictEqual(
            { status, stdout, lines: stderr.split("\n").length },
            { status: 64, stdout: "", lines: 2 }
          )
          assert.match(stderr, sentence)
        }
        wrong(["live/demo/in"], /"live\/demo\/in" is no URL: expected one such as rtsp:/)
        wrong(["gopher://x/y"], /gopher:\/\/.*: expected rt/)
        wrong(["rtsp://x/y", "1.5"], /"1\.5" is no number of seconds: expected a whole number, 1 to 86400/)
        wrong(["rtsp://x/y", "0"], /"0" is no number of seconds/)
        wrong(["rtsp://x/y", "99999"], /99999 seconds are too many: expected 86400 at most/)
      }
    )

    it.each(scripts.filter((script) => script.startsWith("play")))(
      "%s ends what it started after the seconds that it was told, and says nothing",
      (script) => {
        const began = performance.now()
        const { status, stdout, stderr } = run(shell, script, "rtsp://x/y", "1")
        assert.deepStrictEqual({ status, stdout, stderr }, { status: 0, stdout: "", stderr: "" })
        assert.isAtLeast(performance.now() - began, 1_000)
      }
    )

    it.each(scripts.filter((script) => script.startsWith("passthrough")))(
      "%s says which of the two URLs is wrong",
      (script) => {
        assert.match(run(shell, script, "rtmp://x/y", "rtsp://x/z").stderr, /the input rtmp:\/\/ is not read here/)
        assert.match(run(shell, script, "rtsp://x/y", "http://x/z").stderr, /the output http:\/\/ is not published to/)
      }
    )
  })
}

describe("the examples", () => {
  it.skipIf(!has("shellcheck"))("shellcheck finds nothing (skipped where it is not installed)", () => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".sh"))
    const { stdout } = spawnSync("shellcheck", ["-x", ...files], { cwd: folder, encoding: "utf8" })
    assert.strictEqual(stdout, "")
  })
})
