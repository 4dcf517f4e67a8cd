/**
 * Identifies a process beyond its pid: the operating system reuses pids, but no two processes have the same pid and the same
 * start. On Linux the start is read from `/proc` (with the boot, because it is counted from there), elsewhere from `ps`.
 */
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import type { ProcessRef } from "@greenroom/core"
import { Effect } from "effect"

const BOOT_ID = "/proc/sys/kernel/random/boot_id"
/** `ps` answers within milliseconds. Without an answer the process counts as gone. */
const PS_WITHIN_MS = 2_000

/** The 22nd field of `/proc/<pid>/stat`. The second is a name in parentheses that may contain spaces and parentheses. */
const ticksIn = (stat: string): string | undefined => stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]

/** A zombie counts as gone: it has ended, and its parent has not waited for it. */
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
      { timeout: PS_WITHIN_MS, env: { LC_ALL: "C", ...process.env } },
      (error, out) => resolve(error !== null || out.trim() === "" ? null : out.trim())
    )
  })

/** When the process with this pid started; `null` when there is none. */
export const startOf = (pid: number): Effect.Effect<string | null> =>
  Effect.promise(async () => {
    const known = await fromProc(pid)
    return known === undefined ? await fromPs(pid) : known
  })

/** The mark of a process of this machine; `null` when the process is gone. */
export const markOf = (pid: number): Effect.Effect<ProcessRef | null> =>
  Effect.map(startOf(pid), (startedAt) => (startedAt === null ? null : { host: hostname(), pid, startedAt }))

export const isOfThisHost = (mark: ProcessRef): boolean => mark.host === hostname()

/** Whether the process still runs. Another process with its pid does not count. */
export const isAlive = (mark: ProcessRef): Effect.Effect<boolean> =>
  Effect.map(startOf(mark.pid), (startedAt) => startedAt === mark.startedAt)
