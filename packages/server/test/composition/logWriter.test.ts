/** The log writer against real descriptors: a file takes everything, a pipe that is not read takes what fits. */

import { execFileSync } from "node:child_process"
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { makeLogWriter } from "../../src/composition/LogWriter.ts"

const folders: Array<string> = []
const folder = () => {
  const made = mkdtempSync(path.join(tmpdir(), "greenroom-log-"))
  folders.push(made)
  return made
}
afterEach(() => {
  for (const each of folders.splice(0)) rmSync(each, { recursive: true, force: true })
})

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}\n`)

const toFile = () => {
  const file = path.join(folder(), "log")
  let dropped = 0
  const fd = openSync(file, "a")
  const writer = makeLogWriter({
    fd,
    onDropped: (lines) => {
      dropped += lines
    }
  })
  return { file, fd, writer, dropped: () => dropped, text: () => readFileSync(file, "utf8") }
}

describe("the log writer", () => {
  it("writes every line, in order, without being flushed", async () => {
    const { writer, text, dropped } = toFile()
    const lines = numbered(10_000)
    for (const [index, line] of lines.entries()) {
      writer.add(line, index % 1_000 === 0)
      if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await expect.poll(() => text().length).toBe(lines.join("").length)
    expect(text()).toBe(lines.join(""))
    expect(dropped()).toBe(0)
  })

  it("writes an urgent line without waiting for a batch", async () => {
    const { writer, text } = toFile()
    writer.add("calm\n", false)
    expect(text()).toBe("")
    writer.add("urgent\n", true)
    await expect.poll(text).toBe("calm\nurgent\n")
  })

  it("writes what waits at the end of the process, before it returns", () => {
    const { writer, text } = toFile()
    for (const line of numbered(100)) writer.add(line, false)
    writer.flushNow()
    expect(text()).toBe(numbered(100).join(""))
    writer.flushNow()
    expect(text()).toBe(numbered(100).join(""))
  })

  it("counts what a closed descriptor does not take, and does not throw", async () => {
    const { fd, writer, dropped } = toFile()
    closeSync(fd)
    for (const line of numbered(10)) writer.add(line, true)
    await expect.poll(dropped).toBe(10)
    writer.add("last\n", false)
    writer.flushNow()
    expect(dropped()).toBe(11)
  })

  it("drops and counts what is beyond its bound while nothing reads, and goes on when something does", async () => {
    const fifo = path.join(folder(), "fifo")
    execFileSync("mkfifo", [fifo])
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
    let dropped = 0
    const maxWaiting = 200_000
    const writer = makeLogWriter({
      fd,
      maxWaiting,
      onDropped: (lines) => {
        dropped += lines
      }
    })
    const line = `${"x".repeat(999)}\n`
    let added = 0
    while (dropped === 0) {
      writer.add(line, true)
      added += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    // A pipe holds 64 KiB, one batch is being written, and the rest waits.
    expect(added * line.length).toBeLessThan(65_536 + 2 * maxWaiting + 10_000)
    const buffer = Buffer.alloc(65_536)
    let read = 0
    await expect
      .poll(() => {
        try {
          read += readSync(reader, buffer)
        } catch {}
        return read
      })
      .toBe((added - dropped) * line.length)
    closeSync(fd)
    closeSync(reader)
  })
})
