/** The trace's judgement on small scripts: it must notice what was not run, and be content when everything was. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { addTrace, reached, traced, unreached } from "../../../../verification/worlds/shellTrace.ts"

const script = `#!/bin/sh
greet() {
  if [ "$1" = loud ]; then
    mark='!'
  fi
  while [ "$#" -gt 1 ]; do
    shift
  done
  case $1 in
  loud)
    : loudly
    ;;
  *)
    answer=$(printf %s "$1")
    ;;
  esac
}
greet "$@"
`

const after = (...runs: ReadonlyArray<ReadonlyArray<string>>) => {
  const folder = mkdtempSync(join(tmpdir(), "shell-trace-"))
  try {
    const file = join(folder, "script")
    writeFileSync(file, script)
    const seen = reached()
    for (const args of runs) {
      // The trace on standard output, which the script does not use.
      const text = execFileSync("bash", [
        "--posix",
        "-c",
        traced.replace("BASH_XTRACEFD=9", "BASH_XTRACEFD=1"),
        file,
        ...args
      ])
      addTrace(seen, text.toString())
    }
    return unreached(script, seen)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

it("notices a branch, an arm and a loop that were never taken", () => {
  expect(after(["quiet"])).toEqual([
    'line 3 was never true: if [ "$1" = loud ]; then',
    "line 4 was never run: mark='!'",
    'line 6 was never true: while [ "$#" -gt 1 ]; do',
    "line 7 was never run: shift",
    "line 11 was never run: : loudly"
  ])
  expect(after(["loud"])).toEqual([
    'line 3 was never false: if [ "$1" = loud ]; then',
    'line 6 was never true: while [ "$#" -gt 1 ]; do',
    "line 7 was never run: shift",
    'line 14 was never run: answer=$(printf %s "$1")'
  ])
})

it("is content when everything was run both ways", () => {
  expect(after(["quiet"], ["loud"], ["loud", "quiet"])).toEqual([])
})

it("wants one branch a line", () => {
  expect(unreached("a && b\n", { lines: new Set([1]), steps: new Set() })).toEqual([
    "line 1 holds two branches: a && b"
  ])
})
