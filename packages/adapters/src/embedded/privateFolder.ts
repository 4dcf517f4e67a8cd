/**
 * Makes a folder that is ours alone (mode 0700), and its missing parents. As root those parents may be passed through by others,
 * though not read: a program that root starts as another user has its own folder below them, and has to get there.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"

export const isRoot = (): boolean => process.getuid?.() === 0

/** Leaves a folder that is there as it is. */
export const privateFolder = async (folder: string): Promise<void> => {
  await fs.mkdir(path.dirname(folder), { recursive: true, mode: isRoot() ? 0o711 : 0o700 })
  await fs.mkdir(folder, { recursive: true, mode: 0o700 })
}
