/**
 * How many connections each listener takes. Together they leave a third of the files that this process may have open to the database, the
 * media server and the log: a process without a free descriptor accepts no connection at all, on any port, and cannot log that.
 */
import { readFileSync } from "node:fs"
import type { Limits } from "./ConnectionTable.ts"
import type { ListenerName } from "./ListenerEnvironment.ts"

/** In all, and of one address. Media servers are few and trusted: one of them may have every connection. */
const wanted: Readonly<Record<ListenerName, Limits>> = {
  api: { total: 4_000, perAddress: 1_000 },
  hooks: { total: 1_000, perAddress: 1_000 },
  metrics: { total: 100, perAddress: 100 }
}

/** Of the open files. */
const share: Readonly<Record<ListenerName, number>> = { api: 0.4, hooks: 0.24, metrics: 0.02 }

/** For a process that may have so many files open. */
export const limitsWithin = (openFiles: number, name: ListenerName): Limits => {
  const { total, perAddress } = wanted[name]
  const fitting = Math.min(total, Math.max(1, Math.floor(openFiles * share[name])))
  return { total: fitting, perAddress: Math.ceil((fitting * perAddress) / total) }
}

/** From so many open files on, every listener takes what it wants. */
export const OPEN_FILES_WANTED = Math.ceil(wanted.api.total / share.api)

/** The files that this process may have open; infinite where the system does not show it (not on Linux). Node raises the soft limit itself. */
export const openFilesAllowed = (): number => {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
