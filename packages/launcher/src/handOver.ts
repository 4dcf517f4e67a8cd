/**
 * Files that belong to one user are given to another. The old owner may still have processes that move files about while root
 * does this, so nothing is changed by its name: each file is opened, and changes hands only when the open file is the old owner's.
 */
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { RunAs } from "./ChildProcessGroup.ts"

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const handOverOne = async (file: string, from: number, to: RunAs): Promise<void> => {
  const handle = await fs.open(file, flags)
  try {
    const { uid } = await handle.stat()
    if (uid === from || uid === to.uid) await handle.chown(to.uid, to.gid)
  } finally {
    await handle.close()
  }
}

/**
 * Everything in a folder, then the folder: one that still has its old owner is not done. Links, and files of other users, stay as
 * they are.
 */
export const handOver = async (folder: string, from: number, to: RunAs): Promise<void> => {
  for (const entry of await fs.readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) await handOver(file, from, to)
    else if (entry.isFile()) await handOverOne(file, from, to)
  }
  await handOverOne(folder, from, to)
}
