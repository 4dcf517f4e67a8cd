/**
 * Which process a pid is: the operating system gives pids again, but never two processes the same pid and the same start. On Linux
 * both are read from `/proc` (with the boot, because starts are counted from it); elsewhere `ps` is asked.
 */
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import type { ProcessRef } from "@greenroom/core"
import { Effect } from "effect"

const BOOT_ID = "/proc/sys/kernel/random/boot_id"

/** The 22nd field of `/proc/<pid>/stat`; the second is a name in parentheses that may hold anything. */
const ticksIn = (stat: string): string | undefined => stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]

/** A process that has ended but was not waited for has no use for anybody. */
const isZombie = (stat: string): boolean => stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")

const fromProc = async (pid: number): Promise<string | null | undefined> => {
  const boot = await readFile(BOOT_ID, "utf8").catch(() => undefined)
  if (boot === undefined) return undefined
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null)
  return stat === null || isZombie(stat) ? null : `${boot.trim()}:${ticksIn(stat)}`
}

const fromPs = (pid: number): Promise<string | null> =>
  new Promise((resolve) => {
    execFile(
      "ps",
      ["-o", "lstart=", "-p", String(pid)],
      { timeout: 2_000, env: { LC_ALL: "C", ...process.env } },
      (error, out) => resolve(error !== null || out.trim() === "" ? null : out.trim())
    )
  })

/** When the process of this pid started; `null` when there is none. */
export const startOf = (pid: number): Effect.Effect<string | null> =>
  Effect.promise(async () => {
    const known = await fromProc(pid)
    return known === undefined ? await fromPs(pid) : known
  })

/** The mark of a process of this machine; `null` when it has gone already. */
export const markOf = (pid: number): Effect.Effect<ProcessRef | null> =>
  Effect.map(startOf(pid), (startedAt) => (startedAt === null ? null : { host: hostname(), pid, startedAt }))

export const isOfThisHost = (mark: ProcessRef): boolean => mark.host === hostname()

/** Whether the mark's process is there still, and is that one. */
export const isAlive = (mark: ProcessRef): Effect.Effect<boolean> =>
  Effect.map(startOf(mark.pid), (startedAt) => startedAt === mark.startedAt)
